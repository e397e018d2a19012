"""access: lines that are written behind the requests, and a reader that stands still."""

import json
import threading

import pytest

from tokenhub.adapters.telemetry import access as module
from tokenhub.adapters.telemetry.access import Access
from tokenhub.ports.served import Served

pytestmark = pytest.mark.anyio


def served(number=1):
    return Served(
        request_id=f"req_{number}",
        at=1_750_000_000.0,
        method="POST",
        route="/v1/chat",
        status=200,
        took_s=0.25,
        key_id="k",
    )


async def test_lines_are_written_in_order_and_in_one_piece():
    written = []
    log = Access(enabled=True, find=lambda: written.append)

    for number in range(3):
        log(served(number))
    await log.close()

    (text,) = written
    lines = [json.loads(line) for line in text.splitlines()]
    assert ["req_0", "req_1", "req_2"] == [line["request_id"] for line in lines]
    assert {
        "time": "2025-06-15T15:06:40.250+00:00",
        "level": "info",
        "event": "request",
        "logger": "tokenhub.access",
        "request_id": "req_0",
        "method": "POST",
        "route": "/v1/chat",
        "status": 200,
        "ms": 250.0,
        "key_id": "k",
    } == lines[0]


async def test_a_reader_that_stands_still_costs_the_oldest_lines_and_no_more(monkeypatch):
    monkeypatch.setattr(module, "BACKLOG", 5)
    still, written = threading.Event(), []

    def write(text):
        still.wait()
        written.append(text)

    log = Access(enabled=True, find=lambda: write)
    log._waiting = type(log._waiting)(maxlen=5)
    log(served(0))
    log._flush()
    for number in range(1, 9):
        log(served(number))
    still.set()
    await log.close()

    told = [json.loads(line)["request_id"] for text in written for line in text.splitlines()]
    assert 3 == log.lost
    assert ["req_0", "req_4", "req_5", "req_6", "req_7", "req_8"] == told


async def test_a_stop_does_not_wait_for_a_reader_for_ever(monkeypatch):
    monkeypatch.setattr(module, "STOP_S", 0.01)
    still = threading.Event()
    log = Access(enabled=True, find=lambda: lambda _: still.wait())
    log(served())
    log._flush()
    log(served())

    await log.close()

    assert 1 == log.lost
    still.set()


async def test_what_cannot_be_written_is_counted():
    def write(_):
        raise OSError("the pipe is gone")

    log = Access(enabled=True, find=lambda: write)

    log(served())
    await log.close()

    assert 1 == log.lost


async def test_where_there_is_no_log_nothing_waits():
    log = Access(enabled=True, find=lambda: None)

    log(served())
    await log.close()

    assert 0 == log.lost
