"""`tokenhubctl ledger`, `logs` and `audit` at the real server: what was done, and what it cost."""

import json

from tests.cli.live import Live


def test_the_ledger_is_summed_by_what_is_asked(live: Live) -> None:
    live.provider("one", "gpt", "large")
    key = live.do(live.hub.key())
    for model in ("gpt", "gpt", "large"):
        live.ask(key=key, model=model)

    table = live.run("ledger", "list", "--by", "model")
    told = json.loads(live.run("ledger", "-o", "json").stdout)

    head, *rows = table.stdout.splitlines()
    assert ["MODEL", "ATTEMPTS", "SETTLED"] == head.split()[:3]
    assert {"gpt": "2", "large": "1"} == dict(row.split()[:2] for row in rows)
    assert " in all, in 3 attempts" in table.stderr
    assert (3, 1) == (told["sum"]["attempts"], len(told["ledger"]))
    assert 0 < told["sum"]["cost_usd"]


def test_the_books_are_verified(live: Live) -> None:
    live.provider()
    live.ask()

    told = live.run("ledger", "verify")
    as_json = json.loads(live.run("ledger", "verify", "-o", "json").stdout)

    assert 0 == told.exit_code
    assert told.stdout.startswith("the books are right: 1 requests, 1 attempts, $0.0000")
    assert (True, [], 1) == (as_json["ok"], as_json["problems"], as_json["requests"])


def test_what_the_ledger_cannot_be_summed_by_is_told(live: Live) -> None:
    result = live.run("ledger", "list", "--by", "weather")

    assert (1, "") == (result.exit_code, result.stdout)
    assert "(HTTP 400, request req_" in result.stderr


def test_a_request_is_in_the_log_as_a_row_and_in_figures(live: Live) -> None:
    live.provider()
    request = live.ask()

    head, row = live.run("logs").stdout.splitlines()
    told = json.loads(live.run("logs", "-o", "json").stdout)
    figures = live.run("logs", "get", request).stdout.splitlines()

    assert ["TIME", "MODEL", "PROVIDER", "MODE"] == head.split()[:4]
    assert ["gpt", "one", "normal"] == row.split()[2:5]
    assert request == row.split()[-1] == told["logs"][0]["request_id"]
    assert f"Request:   {request}" == figures[0]
    assert "Tokens:    9 in, 4 out" in figures


def test_the_trail_is_listed_and_verified(live: Live) -> None:
    live.provider()

    head, *rows = live.run("audit", "list", "--action", "model.*").stdout.splitlines()
    told = json.loads(live.run("audit", "list", "--action", "model.*", "-o", "json").stdout)
    whole = live.run("audit", "verify")
    noted = whole.stdout.splitlines()[-1].partition(": ")[2].split()
    same = live.run("audit", "verify", *noted)
    other = live.run("audit", "verify", "--id", noted[1], "--hash", "0" * 64)
    none = live.run("audit", "verify", "--id", noted[1], "--hash", "00")

    assert ["ID", "TIME", "ACTOR", "ADDRESS", "ACTION"] == head.split()[:5]
    assert [["model.upsert", "one/gpt", "ok"]] == [row.split()[5:8] for row in rows]
    assert (1, "model.upsert") == (told["total"], told["logs"][0]["action"])
    assert 0 == whole.exit_code
    assert whole.stdout.endswith(f"--id {noted[1]} --hash {noted[3]}\n")
    assert [0, 8, 1] == [same.exit_code, other.exit_code, none.exit_code]
