"""Server processes that the tests of a worker share, and the table of what they found."""

import itertools
import re

import pytest

from tests.faults.harness import PROFILE, Bench
from tests.faults.table import ENDS, FIGURES, LONG, lines, told
from tests.support.server import child
from tokenhub.sim.app import Sim

# How long a provider may be silent at the impatient server; at the other, nobody is late.
IDLE_S = 0.5


def pytest_configure(config):
    config.stash[FIGURES] = {}
    config.stash[ENDS] = {}


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    named = re.match(r"test_(f\d+|load)_", item.name)
    if named and (report.when == "call" or report.failed):
        missing = hasattr(report, "wasxfail")
        end = "not yet" if missing else report.outcome
        item.config.stash[ENDS].setdefault(named[1].capitalize(), []).append(end)


def pytest_terminal_summary(terminalreporter, config):
    if LONG:
        terminalreporter.write_line("\n".join(lines(config.stash[FIGURES], config.stash[ENDS])))


@pytest.fixture(scope="session")
def anyio_backend():
    return ("asyncio", {"use_uvloop": True})


@pytest.fixture
def figure(request):
    """Notes a figure of a row; of several with the same words, the least and the most are told."""

    def note(name, what, value, unit=""):
        row = request.config.stash[FIGURES].setdefault(name, {})
        row.setdefault((what, unit), []).append(value)
        print(name, told(what, unit, [value]))

    return note


@pytest.fixture(scope="session")
def numbers():
    return itertools.count(1)


@pytest.fixture(scope="session")
async def patient(tmp_path_factory):
    folder = tmp_path_factory.mktemp("patient")
    async with child(folder, PROVIDER_TIMEOUT_SECS="15", LOG_LEVEL="debug") as server:
        yield server


@pytest.fixture(scope="session")
async def impatient(tmp_path_factory):
    folder = tmp_path_factory.mktemp("impatient")
    async with child(folder, PROVIDER_TIMEOUT_SECS=str(IDLE_S)) as server:
        yield server


@pytest.fixture
async def bench(patient, numbers):
    """A test's place at the patient server."""
    place = Bench(patient, await patient.key(), next(numbers))
    yield place
    await place.leave()


@pytest.fixture
async def hurried(impatient, numbers):
    """A test's place at the impatient server."""
    place = Bench(impatient, await impatient.key(), next(numbers))
    yield place
    await place.leave()


@pytest.fixture
async def sim():
    async with Sim(PROFILE) as one:
        yield one


@pytest.fixture
async def second():
    async with Sim(PROFILE) as other:
        yield other
