import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.contract.kept import AUDIT, HERE, SMALL, outcome
from tokenhub.adapters.sqlite import invariants
from tokenhub.adapters.sqlite.migrations import TELEMETRY, TOKENHUB
from tokenhub.adapters.sqlite.stores import open_stores

pytestmark = pytest.mark.anyio
STEPS = [step.name for step in TOKENHUB.steps]


@pytest.fixture
async def kept(tmp_path: Path) -> Path:
    path = tmp_path / "tokenhub.sqlite"
    async with open_stores(path) as stores:
        await stores.catalog.put_provider(HERE, AUDIT, models=[SMALL])
        for number in range(1, 6):
            await stores.journal.record(outcome(number))
        await stores.journal.record(outcome(6, attempts=()))
        unpriced = outcome(7).attempts[1]
        await stores.journal.record(
            outcome(7, attempts=(type(unpriced)(**{**_fields(unpriced), "cost_nusd": None}),))
        )
    return path


def _fields(attempt: object) -> dict[str, object]:
    return {name: getattr(attempt, name) for name in type(attempt).__struct_fields__}  # type: ignore[attr-defined]  # a Struct


def broken(path: Path, change: str = "", steps: list[str] = STEPS) -> list[tuple[str, int]]:
    """What does not hold after a change, and how many examples there are."""
    with closing(sqlite3.connect(path)) as conn:
        conn.execute(change)
        found = invariants.broken(conn, "tokenhub", steps)
    return [(one.name, len(one.examples)) for one in found]


async def test_all_hold_of_what_was_recorded(kept: Path) -> None:
    assert [] == broken(kept)


@pytest.mark.parametrize(
    ("change", "name", "examples"),
    [
        (
            "UPDATE requests SET mode = 'cheap' WHERE request_id LIKE '%1000%'",
            "the log is counted by the hour as its rows are",
            2,
        ),
        (
            "DELETE FROM log_hours",
            "the log is counted by the hour as its rows are",
            1,
        ),
        ("DELETE FROM attempts WHERE number = 2", "a request costs what its attempts cost", 3),
        (
            "UPDATE requests SET cost_nusd = NULL WHERE request_id LIKE '%1000%'",
            "a request costs what its attempts cost",
            1,
        ),
        (
            "UPDATE attempts SET cost_nusd = NULL WHERE request_id LIKE '%2000%'",
            "a request costs what its attempts cost",
            1,
        ),
        ("DELETE FROM providers", "a model has its provider", 1),
    ],
)
async def test_what_does_not_hold_is_named_with_examples(
    kept: Path, change: str, name: str, examples: int
) -> None:
    assert (name, examples) in broken(kept, change)


async def test_a_cost_below_nothing_is_found(kept: Path) -> None:
    assert ("no attempt costs less than nothing", 3) in broken(
        kept, "UPDATE attempts SET cost_nusd = -1"
    )


async def test_a_file_from_before_is_not_asked_for_what_it_does_not_have(kept: Path) -> None:
    assert [] == broken(kept, "DELETE FROM attempts", steps=[])


async def test_each_is_of_a_step_that_exists() -> None:
    steps = {"tokenhub": TOKENHUB, "telemetry": TELEMETRY}

    assert all(
        one.since in {step.name for step in steps[schema].steps}
        for schema, several in invariants._OF.items()
        for one in several
    )
