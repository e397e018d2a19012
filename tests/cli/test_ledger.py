"""`tokenhubctl ledger` and the monthly budget of a key.

The fake has books that are wrong, and sums that are just so; tests/cli/commands/test_books.py sums
and verifies real ones.
"""

import pytest

from tests.cli.conftest import Run
from tests.cli.fake_admin import FakeAdmin

PATH = "/admin/v1/ledger"
ROW = {
    "day": None,
    "api_key_id": None,
    "provider_id": None,
    "model_id": None,
    "attempts": 3,
    "settled": 2,
    "voided": 0,
    "unknown": 1,
    "unpriced": 0,
    "input_tokens": 30,
    "output_tokens": 20,
    "cost_usd": 0.5,
    "unknown_usd": 0.125,
}
PAGE = {
    "ledger": [ROW | {"day": "2025-01-31", "model_id": "gpt"}],
    "sum": ROW,
    "total": 4,
    "limit": 1,
    "offset": 0,
}
BOOKS = dict.fromkeys(
    (
        "requests_usd", "attempts_usd", "rows_usd", "totals_usd", "charged_usd", "written_usd",
    ),
    1.5,
) | {"requests": 7, "attempts": 9, "pruned_usd": 0.0, "reserved_usd": 0.0}  # fmt: skip


def test_the_sums_are_a_table_of_what_they_are_grouped_by(run: Run, admin: FakeAdmin) -> None:
    admin.answers["GET", PATH] = (200, PAGE)

    result = run("ledger", "list", "--by", "day,model", "--since", "2025-01-01", "--key", "k")

    head, row = result.stdout.splitlines()
    assert ["DAY", "MODEL", "ATTEMPTS"] == head.split()[:3]
    assert ["2025-01-31", "gpt", "3", "2", "0", "1"] == row.split()[:6]
    assert "more with --offset 1" in result.stderr
    assert "$0.5000 in all, in 3 attempts" in result.stderr
    assert {"group_by": ["day,model"], "since": ["2025-01-01"], "api_key_id": ["k"]} == (
        admin.last.query
    )


def test_alone_it_sums_by_key(run: Run, admin: FakeAdmin) -> None:
    admin.answers["GET", PATH] = (200, PAGE)

    run("ledger")

    assert {"group_by": ["key"]} == admin.last.query


@pytest.mark.parametrize(
    ("problems", "code", "word"),
    [([], 0, "right"), (["1 totals are not the sum of their rows"], 8, "WRONG")],
)
def test_the_exit_code_tells_whether_the_books_are_right(
    run: Run, admin: FakeAdmin, problems, code, word
) -> None:
    answer = BOOKS | {"ok": not problems, "problems": problems}
    admin.answers["POST", f"{PATH}/verify"] = (200, answer)

    result = run("ledger", "verify")

    first, *others = result.stdout.splitlines()
    assert f"the books are {word}: 7 requests, 9 attempts, $1.50" in first
    assert [f"problem: {problem}" for problem in problems] == others[4:]
    assert code == result.exit_code


def test_a_monthly_budget_is_given_and_taken_away(run: Run, admin: FakeAdmin) -> None:
    run("apikey", "create", "--name", "a", "--monthly-budget", "25")
    assert 25.0 == admin.last.body["monthly_budget_usd"]

    admin.add_key("k")
    run("apikey", "edit", "k", "--monthly-budget", "0")
    assert {"monthly_budget_usd": 0.0} == admin.last.body


def test_a_key_shows_what_of_its_budget_is_spent(run: Run, admin: FakeAdmin) -> None:
    admin.add_key("free")
    admin.add_key("k", monthly_budget_usd=25.0, current_spend_usd=1.5)

    free, poor = run("apikey", "list", "-o", "csv", "--no-headers").stdout.splitlines()

    assert ",0.0,," in free
    assert ",25.0,1.5," in poor


def test_a_key_is_paid(run: Run, admin: FakeAdmin) -> None:
    admin.add_key("k")
    row = admin.rows["keys"]["k"]
    admin.answers["POST", "/admin/v1/apikeys/k/paid"] = (200, {"ok": True, "key": row})

    result = run("apikey", "paid", "k")

    assert "apikey/k paid\n" == result.stdout
