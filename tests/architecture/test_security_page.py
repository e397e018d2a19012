"""docs/developer/security.md names tests that are there, and claims nothing without one."""

import re
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/developer/security.md").read_text(encoding="utf-8")
_CITED = re.compile(r"`(tests/[\w/.]+\.py)(?:::(\w+))?`")


class Row(NamedTuple):
    number: int
    how: str
    state: str
    tests: str


ROWS = [
    Row(int(number), how, state, tests)
    for number, how, state, tests in re.findall(
        r"^\| (\d+) \| [^|]+ \| ([^|]*)\| ([^|]+) \| ([^|]*)\|$", PAGE, re.MULTILINE
    )
]


def test_every_requirement_has_its_row():
    assert [*range(1, 26)] == [row.number for row in ROWS]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: str(row.number))
def test_what_is_claimed_has_a_test_that_is_there(row):
    cited = _CITED.findall(row.tests)

    assert row.state in {"Met", "Partly", "Not yet"}
    assert bool(cited) == (row.state != "Not yet") == bool(row.how.strip())
    for path, name in cited:
        text = (ROOT / path).read_text(encoding="utf-8")
        assert not name or re.search(rf"^(async )?def {name}\(", text, re.MULTILINE), (path, name)
