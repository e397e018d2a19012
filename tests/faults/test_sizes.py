"""F20 and F21: what is far too large takes little memory.

The peak counts, not what is left after it: that is what ends a process.
"""

from pathlib import Path

import pytest

from tests.faults.harness import FORMATS, PROFILE, Bench
from tests.faults.memory import MB, forget, memory
from tests.support.server import child
from tokenhub.adapters.providers.transport import MAX_ANSWER_BYTES
from tokenhub.sim.app import Sim
from tokenhub.sim.fault import Fault

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="Linux tells of peaks"),
]

MAX_GROWTH = 8 * MB
# A whole answer may be MAX_ANSWER_BYTES, and is held until it is more than that.
MAX_GROWTH_WHOLE = MAX_ANSWER_BYTES + MAX_GROWTH
WAYS = [(speech, provider) for speech in FORMATS for provider in FORMATS]


@pytest.fixture(scope="module")
async def warm(tmp_path_factory, numbers):
    """A server that has answered in every way, and met nothing large."""
    async with child(tmp_path_factory.mktemp("warm")) as hub, Sim(PROFILE) as sim:
        bench = await registered(hub, sim, next(numbers))
        for stream in (False, True, False, True):
            assert [200] * 4 == [ack.status for ack in await asked(bench, stream=stream)]
        await bench.leave()
        yield hub


@pytest.fixture
async def large(warm, sim, numbers):
    """Tells by how many bytes the process grew at most while each way met a fault."""
    bench = await registered(warm, sim, next(numbers))

    async def grown(fault, *, stream):
        pid = warm.process.pid
        before = memory(pid)
        forget(pid)
        # Of two providers, each of which may be asked once more.
        sim.next(*[fault] * 4 * len(WAYS))
        acks = await asked(bench, stream=stream)
        assert [(502, "upstream_invalid_response")] * 4 == [(ack.status, ack.code) for ack in acks]
        return memory(pid, "VmHWM") - before

    yield grown
    await bench.leave()


async def registered(hub, sim, number):
    bench = Bench(hub, await hub.key(), number)
    for vendor in FORMATS:
        await bench.provider(vendor, sim, type=vendor)
    return bench


async def asked(bench, *, stream):
    """Every caller's format to every provider's, none of which is known to be bad."""
    acks = []
    for speech, vendor in WAYS:
        await bench.forget()
        acks.append(await bench.ask(speech=speech, model=bench.at(vendor), stream=stream))
    return acks


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])
async def test_f21_a_gzip_bomb_is_not_unpacked(large, sim, figure, stream):
    size = await large(Fault.gzip_bomb(), stream=stream)

    figure("F21", "streamed" if stream else "whole", size / MB, "MB")
    assert size < MAX_GROWTH
    assert {"identity"} == {request.headers["accept-encoding"] for request in sim.requests}


async def test_f23_a_header_of_10_mb_takes_little_memory(large, figure):
    size = await large(Fault.long_header(10 * MB), stream=True)

    figure("F23", "header of 10 MB", size / MB, "MB")
    assert size < MAX_GROWTH


async def test_f20_a_line_of_100_mb_takes_little_memory(large, figure):
    size = await large(Fault.long_line(), stream=True)

    figure("F20", "streamed", size / MB, "MB")
    assert size < MAX_GROWTH


async def test_f20_a_body_of_100_mb_takes_no_more_than_the_largest_answer(large, figure):
    size = await large(Fault.long_line(), stream=False)

    figure("F20", "whole, of which an answer may be 33.6 MB,", size / MB, "MB")
    assert size < MAX_GROWTH_WHOLE
