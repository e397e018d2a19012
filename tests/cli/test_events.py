"""`tokenhubctl events`: what happens, as it happens."""

import json
import os
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.cli.live import Live


def lines(text):
    return [json.loads(line) for line in text.splitlines()]


def test_what_was_kept_is_shown_and_stops(live: Live) -> None:
    live.provider()
    request = live.ask()

    shown = live.run("events", "--no-follow")
    some = live.run("events", "--no-follow", "--type", "attempt,route_success", "-o", "table")
    csv = live.run("events", "--no-follow", "--filter", "model:gpt", "--type=attempt", "-o", "csv")

    rows = lines(shown.stdout)
    assert 0 == shown.exit_code
    assert ["request_started", "decision", "attempt", "route_success"] == [
        row["type"] for row in rows if row.get("request_id") == request
    ][-4:]
    assert "the last event was " + rows[-1]["id"] in shown.stderr
    assert "warning" not in shown.stderr
    assert ["TIME", "TYPE", "ROUTE"] == some.stdout.splitlines()[0].split()[:3]
    assert ["attempt", "route_success"] == [
        line.split()[2] for line in some.stdout.splitlines()[1:]
    ]
    assert ["timestamp,type,route,status_code", "attempt,one/gpt,200"] == [
        csv.stdout.splitlines()[0].partition(",latency")[0],
        ",".join(csv.stdout.splitlines()[1].split(",")[1:4]),
    ]


def test_it_goes_on_behind_an_event_and_stops_after_so_many(live: Live) -> None:
    live.provider()
    live.ask()
    kept = lines(live.run("events", "--no-follow").stdout)

    second = live.run("events", "--since", kept[0]["id"], "--count", "1", "-o", "jsonl")
    recent = live.run("events", "--since", "10m", "--count", "2", "-o", "name")
    none = live.run("events", "--since", "2100-01-01T00:00:00Z", "--no-follow")

    assert [kept[1]] == lines(second.stdout)
    assert [f"event/{row['id']}" for row in kept[:2]] == recent.stdout.split()
    assert ("", 0) == (none.stdout, none.exit_code)


def test_it_stops_after_a_time_and_chooses_fields(live: Live) -> None:
    live.provider()
    live.ask()

    silent = live.run("events", "--for", "0.2")
    fields = live.run("events", "--no-follow", "--type=attempt", "--fields=type,model_id")
    model = live.run("events", "--no-follow", "--filter=model=gpt status:200", "--type=attempt")

    assert ("", 0) == (silent.stdout, silent.exit_code)
    assert [{"type": "attempt", "model_id": "gpt"}] == lines(fields.stdout)
    assert ["gpt"] == [row["model_id"] for row in lines(model.stdout)]


@pytest.mark.parametrize(
    ("line", "code", "told"),
    [
        (("--type", "no-such"), 2, "there is no type of events 'no-such'; there is request_sta"),
        (("--type", "attempt,nope", "--no-follow"), 2, "there is no type of events 'nope'"),
        (("--since", "garbage"), 2, "'garbage' is no time such as 2026-01-31T23:59:59Z, no span"),
        (("--filter", "modle:x"), 2, "there is no field 'modle'"),
        (("--for", "a while"), 2, "no span such as 30s"),
        (("--since", "2026-01-01"), 2, "has no zone"),
        (("--fields", "nonsense", "--no-follow"), 2, "there is no field 'nonsense'"),
    ],
)
def test_what_cannot_be_is_refused(live: Live, line: tuple[str, ...], code: int, told: str) -> None:
    live.provider()

    refused = live.run("events", *line)

    assert code == refused.exit_code
    assert told in refused.stderr


def test_the_fields_can_be_asked_for(live: Live) -> None:
    fields = live.run("events", "--fields").stdout.split()

    assert {"type", "id", "latency_ms", "error_class"} <= set(fields)


def test_nobody_there_is_told(live: Live) -> None:
    gone = live.run("events", "--url", "http://127.0.0.1:1", "--retries", "0")

    assert 3 == gone.exit_code
    assert "connection refused" in gone.stderr


def test_the_request_is_shown_as_a_line_for_a_shell(live: Live) -> None:
    shown = live.run("events", "--curl", "--type", "attempt")
    kept = live.run("events", "--curl", "--no-follow", "--filter", "model:gpt")

    url = f"{live.hub.url}/admin/v1/events"
    token = '-H "Authorization: Bearer $TOKENHUB_ADMIN_TOKEN"'
    accept = "-H 'Accept: text/event-stream'"
    assert f"curl -sSN -X GET '{url}?types=attempt' {token} {accept}\n" == shown.stdout
    assert (
        f"curl -sSN -X GET '{url}?filter=model%3Agpt' {token} {accept} -H 'Last-Event-ID: 0'\n"
        == kept.stdout
    )


@contextmanager
def following(live: Live, *args: str):
    """`tokenhubctl events` in a process, up to its first line; killed at the block's end."""
    environment = {**os.environ, **live.environment}  # noqa: TID251 - a child's environment
    with subprocess.Popen(
        [sys.executable, "-m", "tokenhub_cli.main", "events", *args],
        env={name: value for name, value in environment.items() if value is not None},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        bufsize=1,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize(("line", "code"), [((), 130), (("--for", "1h"), 0), (("--count=99",), 0)])
def test_who_leaves_hears_the_last_event(live: Live, line: tuple[str, ...], code: int) -> None:
    live.provider()
    live.ask()

    with following(live, "--since", "1h", *line) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        first = process.stdout.readline()
        process.send_signal(signal.SIGINT)
        rest, told = process.stdout.read(), process.stderr.read()
        process.wait(timeout=30)

    assert code == process.returncode
    last = lines(first + rest)[-1]["id"]
    assert f"note: the last event was {last}; go on with --since\n" == told


def test_a_reader_that_has_gone_ends_it_quietly(live: Live) -> None:
    live.provider()

    with following(live, "--since", "1h") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        live.ask()
        told = process.stderr.read()
        process.wait(timeout=30)

    assert 141 == process.returncode
    assert "Traceback" not in told


class Forgetful(BaseHTTPRequestHandler):
    """A server that cuts its first stream, forgets events meanwhile, and at last ends it."""

    asked: list[str | None]

    def do_GET(self) -> None:
        self.asked.append(self.headers.get("last-event-id"))
        self.send_response(200)
        self.end_headers()
        again = len(self.asked) > 1
        told = (
            [(8, "gap", {"after_id": "7"}), (9, "attempt", {})] if again else [(7, "attempt", {})]
        )
        told += [(0, "dropped", {"dropped": 3}), (0, "end", {"reason": "credential_over"})] * again
        for number, kind, fields in told:
            data = json.dumps({"type": kind, "timestamp": "2026-01-01T00:00:00Z", **fields})
            name = f"id: {number}\n" if number else ""
            self.wfile.write(f"{name}event: {kind}\ndata: {data}\n\n".encode())

    def log_message(self, *_: object) -> None:
        """Keep stderr for the command under test."""


def test_a_stream_that_is_cut_goes_on_and_tells_what_it_lost(live: Live) -> None:
    Forgetful.asked = []
    with ThreadingHTTPServer(("127.0.0.1", 0), Forgetful) as server:
        serving = threading.Thread(target=server.serve_forever, args=(0.01,))
        serving.start()
        try:
            shown = live.run("events", "--url", f"http://127.0.0.1:{server.server_port}")
        finally:
            server.shutdown()
            serving.join()

    assert ["7", "9"] == [row["id"] for row in lines(shown.stdout)]
    assert [None, "7"] == Forgetful.asked
    assert 4 == shown.exit_code
    assert "warning: events may have been missed" in shown.stderr
    assert "warning: 3 events were missed; they came faster" in shown.stderr
    assert "the server ended the stream: credential_over" in shown.stderr
