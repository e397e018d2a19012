"""`tokenhubctl view ...`, against the real server."""

import json

from tests.cli.live import Live


def test_a_view_is_saved_shown_used_and_deleted(live: Live) -> None:
    live.provider()
    asked = live.ask()

    saved = live.run("view", "set", "mine", "model:gpt", "--columns", "request_id, model_id")
    listed = live.run("views")
    shown = json.loads(live.run("view", "get", "mine", "-o", "json").stdout)
    meant = live.run("view", "get", "mine", "-o", "value").stdout.strip()
    used = live.run("logs", "--filter", meant, "-o", "value")
    rehearsed = live.run("view", "delete", "mine", "--dry-run")
    deleted = live.run("view", "delete", "mine")

    assert "view/mine saved\n" == saved.stdout
    assert ["mine", "model:gpt", "request_id,model_id", "1"] == listed.stdout.split("\n")[1].split()
    assert {
        "name": "mine",
        "filter": "model:gpt",
        "columns": ["request_id", "model_id"],
        "version": 1,
    } == shown
    assert f"{asked}\n" == used.stdout
    assert "view/mine deleted (dry run: nothing was changed)\n" == rehearsed.stdout
    assert ("view/mine deleted\n", 5) == (
        deleted.stdout,
        live.run("view", "get", "mine").exit_code,
    )
    assert [] == json.loads(live.run("view", "list", "-o", "json").stdout)["items"]


def test_a_view_must_be_one(live: Live) -> None:
    wrong = live.run("view", "set", "mine", "ms>fast")
    named = live.run("view", "set", "no name", "ms>1")
    slashed = [live.run("view", *line) for line in (("set", "a/b", "ms>1"), ("get", "a/b"))]
    columns = live.run("view", "set", "mine", "ms>1", "--columns", "a,a")
    live.run("view", "set", "mine", "since:2h")
    stale = live.run("view", "set", "mine", "", "--if-match", "7")
    replaced = live.run("view", "set", "mine", "", "--if-match", "1")

    assert (1, 1, 1, 6, 0) == (
        wrong.exit_code,
        named.exit_code,
        columns.exit_code,
        stale.exit_code,
        replaced.exit_code,
    )
    assert "filter: " in wrong.stderr
    assert "letters, digits" in named.stderr
    assert [1, 5] == [one.exit_code for one in slashed]
    assert "letters, digits" in slashed[0].stderr
    assert "there is no view 'a/b'" in slashed[1].stderr
