"""Much of it: nothing is lost, and memory does not grow. `just ctl-proof` has the long form.

`CTL_ROWS` is how many rows of the log are read, and `CTL_SECONDS` for how long events come, at
200 a second; without them both are few, and as fast as they come.
"""

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli.live import ASK, Live

_ROWS = int(os.environ.get("CTL_ROWS", "400"))  # noqa: TID251 - of this test, no setting
_SECONDS = float(os.environ.get("CTL_SECONDS", "0"))  # noqa: TID251 - of this test, no setting
# A request is told four times: that it came, was decided, tried, and committed.
_OF_A_REQUEST = 4
_EVENTS_PER_S = 200
_REQUESTS = round(_SECONDS * _EVENTS_PER_S / _OF_A_REQUEST) or 100
# What Python's allocator takes and keeps, whatever passes through; a row of 1 KB kept each time
# would be 10 MiB in the long form.
_GROWTH_KIB = 3_072

pytestmark = pytest.mark.timeout(900 if _SECONDS or _ROWS > 1000 else 60)


@contextmanager
def reading(live: Live, *args: str) -> Iterator[subprocess.Popen[str]]:
    environment = {**os.environ, **live.environment}  # noqa: TID251 - a child's environment
    with subprocess.Popen(
        [sys.executable, "-m", "tokenhub_cli.main", *args],
        env={name: value for name, value in environment.items() if value is not None},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def rss_kib(process: subprocess.Popen[str]) -> int:
    """What a process holds of the memory now."""
    told = Path(f"/proc/{process.pid}/status").read_text()
    return int(told.partition("VmRSS:")[2].split()[0])


def last_event(live: Live) -> int:
    """The id of the newest."""
    return int(live.admin("GET", "info")["last_event_id"])  # type: ignore[index]  # JSON


def ask_often(live: Live, count: int, *, per_s: float = 0, at_once: int = 8) -> float:
    """So many requests, at most so many each second; how many each second there were."""

    async def asked() -> float:
        bearer = {"authorization": f"Bearer {await live.hub.key()}"}
        begun = time.perf_counter()
        left = iter(range(count))

        async def caller() -> None:
            for number in left:
                if per_s:
                    due_s = begun + number / per_s - time.perf_counter()
                    await asyncio.sleep(max(0, due_s))
                answer = await live.hub.http.post("/v1/chat/completions", json=ASK, headers=bearer)
                assert 200 == answer.status_code

        async with asyncio.TaskGroup() as callers:
            for _ in range(at_once):
                callers.create_task(caller())
        return count / (time.perf_counter() - begun)

    return live.do(asked())


def test_every_row_of_a_long_log_is_written_and_memory_is_flat(live: Live) -> None:
    live.provider()
    ask_often(live, _ROWS)
    ids: list[str] = []

    with reading(live, "logs", "--all", "-o", "jsonl") as process:
        assert process.stdout is not None
        begun, early, late = time.perf_counter(), 0, 0
        for line in process.stdout:
            ids.append(json.loads(line)["request_id"])
            if len(ids) == _ROWS // 10:
                early = rss_kib(process)
            elif len(ids) == _ROWS - 200:  # what is left is more than a pipe holds
                late = rss_kib(process)
        took_s = time.perf_counter() - begun
        process.wait()

    print(
        f"\nlogs -o jsonl: {len(ids)} rows in {took_s:.1f} s; RSS {early / 1024:.1f} MiB after a "
        f"tenth, {late / 1024:.1f} MiB at the end"
    )
    assert 0 == process.returncode
    assert _ROWS == len(ids) == len(set(ids))
    assert late - early < _GROWTH_KIB


def test_every_event_is_written_and_memory_is_flat(live: Live) -> None:
    live.provider()
    head = last_event(live)
    ids: list[int] = []
    sizes: list[int] = []

    with reading(live, "events", "--since", str(head), "-o", "jsonl") as process:

        def read() -> None:
            assert process.stdout is not None
            for line in process.stdout:
                ids.append(int(json.loads(line)["id"]))
                if len(ids) % max(1, _REQUESTS * _OF_A_REQUEST // 10) == 0:
                    sizes.append(rss_kib(process))

        reader = threading.Thread(target=read)
        reader.start()
        per_s = ask_often(live, _REQUESTS, per_s=_EVENTS_PER_S / _OF_A_REQUEST if _SECONDS else 0)
        end = last_event(live)
        while ids[-1:] != [end] and reader.is_alive():
            reader.join(0.05)
        process.send_signal(signal.SIGINT)
        reader.join()
        told = process.stderr.read() if process.stderr else ""
        process.wait()

    print(
        f"\nevents: {len(ids)} of {end - head}, {per_s * _OF_A_REQUEST:.0f}/s for "
        f"{_REQUESTS / per_s:.0f} s; RSS {sizes[0] / 1024:.1f} MiB after a tenth, "
        f"{sizes[-1] / 1024:.1f} MiB at the end"
    )
    assert list(range(head + 1, end + 1)) == ids
    assert _REQUESTS * _OF_A_REQUEST <= len(ids)
    assert "warning" not in told
    assert sizes[-1] - sizes[0] < _GROWTH_KIB
