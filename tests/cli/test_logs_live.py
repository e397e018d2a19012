"""`tokenhubctl logs` over the real server: pages, exports, and what comes."""

import csv
import io
import json
import threading

import pytest

from tests.cli.live import Live

_BEGUN = threading.Event


def lines(text):
    return [json.loads(line) for line in text.splitlines()]


def test_the_log_is_narrowed_by_what_a_line_says(live: Live) -> None:
    live.provider()
    request = live.ask()
    lost = live.ask(model="no-such-model", substitute="never")

    table = live.run("logs", "--since", "1h")
    wrong = lines(live.run("logs", "--error-class", "model_not_found", "-o", "jsonl").stdout)
    normal = live.run("logs", "list", "--mode", "normal", "--filter", "status:ok", "-o", "value")

    assert ["TIME", "MODEL"] == table.stdout.split()[:2]
    assert {request, lost} == {line.split()[-1] for line in table.stdout.splitlines()[1:]}
    assert {"model_not_found"} >= {row["error_class"] for row in wrong}
    assert f"{request}\n" == normal.stdout
    assert "" == live.run("logs", "--until", "1h", "--no-headers").stdout
    assert "" == live.run("logs", "--mode", "no-such", "-o", "jsonl").stdout


@pytest.mark.parametrize("page", [("--all",), ("--limit", "1001")])
def test_an_export_has_every_row_in_any_form(live: Live, page: tuple[str, ...]) -> None:
    live.provider()
    requests = [live.ask() for _ in range(5)][::-1]

    rows = lines(live.run("logs", *page, "-o", "jsonl").stdout)
    sheet = list(csv.DictReader(io.StringIO(live.run("logs", *page, "-o", "csv").stdout)))
    whole = json.loads(live.run("logs", *page, "-o", "json").stdout)
    table = live.run("logs", *page).stdout.splitlines()

    assert requests == [row["request_id"] for row in rows]
    assert requests == [row["request_id"] for row in sheet]
    assert rows == whole
    assert requests == [line.split()[-1] for line in table[1:]]
    assert (
        requests[1:]
        == live.run("logs", *page, "--before", requests[0], "-o", "value").stdout.split()
    )


def test_a_time_that_is_none_is_refused(live: Live) -> None:
    refused = live.run("logs", "--all", "--status", "500", "--since", "yesterday")

    assert 1 == refused.exit_code
    assert "'yesterday' is no time" in refused.stderr


def test_what_comes_is_written_once_it_is_committed(live: Live) -> None:
    """The first is the newest of before; the others come while it follows."""
    live.provider()
    before = live.ask()
    asking = threading.Event()
    asked: list[str] = []

    def ask() -> None:
        while not asking.is_set():
            asked.append(live.ask())

    caller = threading.Thread(target=ask)
    caller.start()
    try:
        shown = live.run("logs", "-f", "--limit", "1", "--count", "3", "-o", "jsonl")
    finally:
        asking.set()
        caller.join()

    found = [row["request_id"] for row in lines(shown.stdout)]
    every = [before, *asked]
    assert every[every.index(found[0]) :][:4] == found


def test_what_comes_is_filtered_as_the_list_is(live: Live) -> None:
    live.provider("one", "gpt", "large")
    asking = threading.Event()

    def ask() -> None:
        while not asking.is_set():
            live.ask(model="gpt")
            live.ask(model="large")

    caller = threading.Thread(target=ask)
    caller.start()
    try:
        shown = live.run("logs", "-f", "--filter", "model=large", "--count", "2")
    finally:
        asking.set()
        caller.join()

    assert {"large"} == {line.split()[2] for line in shown.stdout.splitlines()[1:]}


def test_what_comes_has_no_end_that_is_past(live: Live) -> None:
    assert 2 == live.run("logs", "-f", "--until", "1h").exit_code
    assert 2 == live.run("audit", "-f", "--before", "7").exit_code
