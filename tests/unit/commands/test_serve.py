"""serve: the port, the data directory, and one clear line where the start fails."""

import resource
import socket
import subprocess
import sys

import pytest

from tokenhub import settings
from tokenhub.commands.serve import MOST_FILES, Start, allow_files, bind, prepare
from tokenhub.core.errors import Unavailable
from tokenhub.settings import Address


def served_from(folder):
    env = {"TOKENHUB_DB_DSN": str(folder / "tokenhub.sqlite")}
    return settings.load(env, home=folder, data_writable=False)


async def lifespan(app):
    """What an app says in its lifespan, started and stopped at once."""
    said = []
    asked = iter(["lifespan.startup", "lifespan.shutdown"])

    async def receive():
        return {"type": next(asked)}

    async def send(message):
        said.append(message["type"])

    await app({"type": "lifespan"}, receive, send)
    return said


def test_a_free_port_is_bound_and_named():
    with bind(Address("127.0.0.1", 0)) as bound:
        host, port = bound.getsockname()

    assert "127.0.0.1" == host
    assert 0 < port


def test_an_empty_host_is_every_interface():
    with bind(Address("", 0)) as bound:
        host = bound.getsockname()[0]

    assert host in {"::", "0.0.0.0"}


def test_a_port_in_use_is_one_sentence_with_the_way_out():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        with pytest.raises(Unavailable, match="another program listens there") as refused:
            bind(Address("127.0.0.1", port))

    assert "TOKENHUB_LISTEN_ADDR" in str(refused.value)


def test_a_data_directory_is_made_for_its_owner_only(tmp_path):
    folder = tmp_path / "deep" / "data"

    prepare(served_from(folder))

    assert 0o700 == folder.stat().st_mode & 0o777


def test_a_data_directory_that_cannot_be_made_is_one_sentence_with_the_way_out(tmp_path):
    file = tmp_path / "file"
    file.write_text("in the way")

    with pytest.raises(Unavailable, match="TOKENHUB_DB_DSN"):
        prepare(served_from(file / "data"))


@pytest.mark.anyio
async def test_a_failed_start_is_kept_as_a_sentence():
    async def app(_scope, _receive, _send):
        raise Unavailable("the database is broken; restore it")

    start = Start(app)

    assert ["lifespan.startup.failed"] == await lifespan(start)
    assert "the database is broken; restore it" == start.failure


@pytest.mark.anyio
async def test_a_defect_in_the_start_is_no_sentence():
    async def app(_scope, _receive, _send):
        raise KeyError("defect")

    with pytest.raises(KeyError):
        await lifespan(Start(app))


@pytest.mark.anyio
async def test_a_failure_after_the_start_is_not_told_as_one_of_the_start():
    async def app(_scope, receive, send):
        await receive()
        await send({"type": "lifespan.startup.complete"})
        raise Unavailable("the disk is full")

    with pytest.raises(Unavailable):
        await lifespan(Start(app))


def test_as_many_files_may_be_open_as_the_system_allows():
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(512, before[0]), before[1]))
    try:
        allow_files()
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)

    assert before[1] == hard
    assert soft == (MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, MOST_FILES))


# As `tokenhub serve` does: it collects nothing until it has started.
STARTED_WITHOUT_GARBAGE_COLLECTION = """
import gc, os, pathlib, signal, sys
gc.disable()
from tokenhub import settings
from tokenhub.commands.serve import GC_THRESHOLDS, Server, bind, prepare

def started():
    print(gc.isenabled(), gc.get_threshold() == GC_THRESHOLDS, gc.get_freeze_count() > 10_000)
    os.kill(os.getpid(), signal.SIGTERM)

signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
home = pathlib.Path(sys.argv[1])
env = {"TOKENHUB_LISTEN_ADDR": "127.0.0.1:0", "TOKENHUB_DB_DSN": str(home / "tokenhub.sqlite")}
chosen = settings.load(env, home=home, data_writable=False)
prepare(chosen)
Server(chosen, started=started).run(sockets=[bind(chosen.listen_addr)])
"""


def test_once_started_garbage_is_collected_but_never_looked_for_in_what_the_start_made(tmp_path):
    program = [sys.executable, "-c", STARTED_WITHOUT_GARBAGE_COLLECTION, str(tmp_path)]

    ended = subprocess.run(program, capture_output=True, text=True, timeout=50, check=False)

    assert ("True True True\n", 0) == (ended.stdout, ended.returncode), ended.stderr
