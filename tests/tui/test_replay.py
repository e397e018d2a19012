"""A session is recorded before a real server, and played again without one."""

import os
import stat
from pathlib import Path

import msgspec
import pytest

from tests.support.server import ADMIN_TOKEN, Hub, running
from tests.tui.console import before, seen, text, until
from tests.tui.test_link import Off
from tokenhub.client.call import Call
from tokenhub.client.profile import Profile
from tokenhub.sim.app import Sim
from tokenhub.sim.profile import Model
from tokenhub.sim.profile import Profile as Simulated
from tokenhub.wire.catalog import Health
from tokenhub_tui import replay
from tokenhub_tui.app import Console
from tokenhub_tui.replay import Played, Recorder, load
from tokenhub_tui.servers import Server
from tokenhub_tui.state.replay import Player

pytestmark = pytest.mark.anyio

SIMULATED = Simulated(name="simulated", dialect="openai", models=(Model(id="gpt"),))


async def ask(hub: Hub, key: str) -> str:
    body = {"model": "gpt", "messages": [{"role": "user", "content": "Hello"}]}
    headers = {"authorization": f"Bearer {key}"}
    answer = await hub.http.post("/v1/chat/completions", json=body, headers=headers)
    request_id: str = answer.headers["x-request-id"]
    return request_id


async def recorded(folder: Path) -> tuple[Path, str]:
    """A recording of one request, and the request's id."""
    file = folder / "session.jsonl"
    async with running(folder) as hub, Sim(SIMULATED) as sim:
        await hub.provider("one", sim, models=["gpt"])
        key = await hub.key()
        recorder = Recorder(file)
        async with before(hub, record=recorder) as (console, pilot):
            await seen(console, pilot, "No request yet", "● records", "● live")
            request_id = await ask(hub, key)
            await seen(console, pilot, "✓", request_id[:12])
            await pilot.press("0")
            await seen(console, pilot, "1 provider, 1 model")
        recorder.close()
    return file, request_id


def holding(file: Path) -> Player:
    """The player of a file, that stands at its begin."""
    player = load(file)
    player.faster(-1)
    return player


async def test_a_session_is_played_again_without_its_server(tmp_path: Path) -> None:
    file, request_id = await recorded(tmp_path)
    player = holding(file)
    play = Played(player, file)
    server = Server(profile=play.profile, name=file.name, read_only=True)
    console = Console(server, play=play)
    async with console.run_test(size=(80, 24)) as pilot:
        await seen(console, pilot, "▶ replay", "‖ held", "session.jsonl")
        await pilot.press("full_stop")
        shown = await seen(console, pilot, "✓", request_id[:12], "one/gpt", "■ end", "read-only")
        await pilot.press("enter")
        await seen(console, pilot, request_id, "Attempts")
        await pilot.press("escape", "7")
        await seen(console, pilot, "Requests", "1 of 1", "■ end")
        await pilot.press("5")
        await seen(console, pilot, "5 Keys", "not in the recording", "its events tell")
        await pilot.press("0")
        more = await seen(console, pilot, "1 provider, 1 model", "This console")
        await pilot.press("D")
        await seen(console, pilot, "✗ keys", "not in the recording")
        await pilot.press("1", "comma")
        await until(pilot, lambda: player.at == player.tape.begin)
        await until(pilot, lambda: "✓" not in text(console))

    assert 0o600 == stat.S_IMODE(file.stat().st_mode)
    assert ADMIN_TOKEN not in file.read_text(encoding="utf-8")
    assert "lower score wins" in shown
    assert "session.jsonl" in more


async def test_a_click_on_its_line_goes_there(tmp_path: Path) -> None:
    file, request_id = await recorded(tmp_path)
    player = holding(file)
    play = Played(player, file)
    console = Console(Server(profile=play.profile, name="recording", read_only=True), play=play)
    async with console.run_test(size=(80, 24)) as pilot:
        await seen(console, pilot, "‖ held")
        await pilot.click("SeekBar", offset=(50, 0))
        await until(pilot, lambda: player.part > 0.9)
        await pilot.press("greater_than_sign")
        await until(pilot, lambda: player.speed == 1)
        await seen(console, pilot, "✓", request_id[:12])


async def test_a_full_disk_ends_the_recording_and_nothing_else(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "session.jsonl")
    async with running(tmp_path) as hub, before(hub, record=recorder) as (console, pilot):
        await seen(console, pilot, "● records", "● live")
        recorder.close()
        recorder._lines = os.fdopen(os.open("/dev/full", os.O_WRONLY), "wb", buffering=0)
        await hub.admin("POST", "apikeys", {"name": "one", "scopes": ["chat"]})
        await until(pilot, lambda: console.said)
        await until(pilot, lambda: "● records" not in text(console))
        await pilot.press("5")
        await seen(console, pilot, "1 key", "● live")
        await hub.admin("POST", "apikeys", {"name": "two", "scopes": ["chat"]})
        await seen(console, pilot, "2 keys", "● live")

    assert ["The recording ended: No space left on device"] == [one.text for one in console.said]


async def test_a_recording_is_of_one_server(tmp_path: Path) -> None:
    file = tmp_path / "session.jsonl"
    recorder = Recorder(file)
    async with (
        running(tmp_path / "a") as one,
        running(tmp_path / "b") as two,
        before(one, record=recorder) as (console, pilot),
    ):
        await seen(console, pilot, "● records", "● live")
        console.connect(msgspec.structs.replace(console.server, context="again"))
        await until(pilot, lambda: console.server.context == "again")
        await seen(console, pilot, "● records", "● live")
        profile = Profile(url=two.url, token=ADMIN_TOKEN)
        console.connect(Server(profile=profile, name="two"))
        await until(pilot, lambda: len(console.said) == 2)
        recorded = file.read_bytes()
        await two.admin("POST", "apikeys", {"name": "theirs", "scopes": ["chat"]})
        await pilot.press("5")
        shown = await seen(console, pilot, "1 key", "● live")

    assert "The recording ended: it is of one server" == console.said[1].text
    assert "● records" not in shown
    assert recorded == file.read_bytes()


def test_an_answer_is_written_where_it_is_another_than_the_last(tmp_path: Path) -> None:
    file = tmp_path / "session.jsonl"
    recorder = Recorder(file)
    answer = Health(status="ok", adapters=1, models=1)
    for at in range(replay.TOLD + 1):
        for _ in range(2):
            recorder.answered(Call(method="GET", path=f"/{at}", returns=Health), answer, 1.0)
    recorder.answered(Call(method="GET", path="/0", returns=Health), answer, 1.0)
    recorder.close()

    assert replay.TOLD + 2 == len(file.read_bytes().splitlines())
    assert replay.TOLD == len(recorder._told)


async def test_what_is_recorded_stands_at_the_servers_time(tmp_path: Path) -> None:
    file = tmp_path / "session.jsonl"
    recorder = Recorder(file)
    async with (
        running(tmp_path) as hub,
        before(hub, record=recorder, clock=Off(-500.0)) as (
            console,
            pilot,
        ),
    ):
        await seen(console, pilot, "● live", "● records")
        await hub.admin("POST", "apikeys", {"name": "one", "scopes": ["chat"]})
        await pilot.press("5")
        await seen(console, pilot, "1 key")
        recorder.close()
    tape = load(file).tape

    at, _ = tape.answers["/admin/v1/apikeys", "limit=1000&offset=0"][0]
    assert abs(at - tape.begin) < 100
