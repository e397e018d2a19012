"""docs/developer/faults.md has every row of the list, and every row has its tests."""

import re
from pathlib import Path

import pytest

from tests.faults.table import ROWS, lines

HERE = Path(__file__).parent
PAGE = (HERE.parents[1] / "docs/developer/faults.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ROWS)
def test_a_row_is_on_the_page_with_its_promise_and_a_figure(name):
    row = ROWS[name]
    (line,) = [line for line in PAGE.splitlines() if line.startswith(f"| {name} |")]

    _, _, fault, promise, told, _, _ = [cell.strip() for cell in line.split("|")]

    assert (row.fault, row.promise) == (fault, promise)
    # Only that a row says nothing is a row's own; figures are of one run, on one machine.
    assert told
    assert told != "none"


@pytest.mark.parametrize("name", ROWS)
def test_a_row_has_a_test(name):
    text = "".join(path.read_text(encoding="utf-8") for path in HERE.glob("test_*.py"))

    assert re.search(rf"^(async )?def test_{name.lower()}_", text, re.MULTILINE)


def test_the_list_is_whole():
    assert set() == {f"F{number}" for number in range(10, 26)} - ROWS.keys()


def test_the_page_names_the_command_and_its_head():
    assert "`just faults`" in PAGE
    assert "\n".join(lines({}, {})[:2]) in PAGE
    assert "faults *args:" in (HERE.parents[1] / "justfile").read_text(encoding="utf-8")


def test_a_figure_tells_the_least_and_the_most():
    figures = {"F10": {("failover after", "ms"): [3.0, 12.34], ("calls", ""): [1, 1]}}

    table = lines(figures, {"F10": ["passed", "passed", "not yet"]})

    (line,) = [line for line in table if line.startswith("| F10 |")]
    assert line.endswith("| failover after 3 to 12.3 ms; calls 1 | 2 passed, 1 not yet |")
