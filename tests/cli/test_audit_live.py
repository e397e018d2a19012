"""`tokenhubctl audit` over the real server: what is there, and what is added."""

import json
import threading

from tests.cli.live import Live


def test_the_trail_is_narrowed_by_what_was_changed(live: Live) -> None:
    live.provider("one", "gpt", "org/small")

    added = live.run("audit", "--resource", "one/*", "--since", "1h")
    rows = live.run("audit", "list", "--action", "provider.*", "-o", "jsonl").stdout.splitlines()

    assert ["ID", "TIME", "ACTOR"] == added.stdout.split()[:3]
    assert {"one/gpt", "one/org/small"} == {
        word for word in added.stdout.split() if word.startswith("one/")
    }
    assert ["one"] == [json.loads(row)["resource"] for row in rows]
    refused = live.run("audit", "--outcome", "maybe")
    assert (1, True) == (refused.exit_code, "outcome must be one of" in refused.stderr)


def test_what_is_added_is_written(live: Live) -> None:
    live.provider()
    enough = threading.Event()

    def change() -> None:
        number = 0
        while not enough.is_set():
            number += 1
            live.admin("PATCH", "models/gpt", {"weight": number % 9 + 1})

    changer = threading.Thread(target=change)
    changer.start()
    try:
        shown = live.run(
            "audit", "-f", "--limit=1", "--count=2", "--resource=one/gpt", "-o", "jsonl"
        )
    finally:
        enough.set()
        changer.join()

    rows = [json.loads(line) for line in shown.stdout.splitlines()]
    assert 3 == len(rows)
    assert [row["id"] for row in rows] == sorted({row["id"] for row in rows})
    assert {"one/gpt"} == {row["resource"] for row in rows}
