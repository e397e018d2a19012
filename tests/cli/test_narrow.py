"""Tables where the terminal has no room for them: nothing runs over its edge."""

from hypothesis import given
from hypothesis import strategies as st

from tests.cli.live import Live
from tests.cli.test_terminal import Sit, sit_live
from tests.cli.test_top import BEGIN, sitting
from tokenhub.client.text import cells
from tokenhub_cli.narrow import fitted, shortened

__all__ = ["sit_live"]  # a fixture

LONG = "org/深度思考-模型-72b-instruct-awq-very-long-name-of-a-model-2026-01-31-preview"


@given(st.text(alphabet="ab é深🚀-", max_size=60), st.integers(min_value=2, max_value=50))
def test_a_shortened_text_has_room_and_loses_no_more_than_it_must(text: str, room: int) -> None:
    short = shortened(text, room)

    assert room >= cells(short)
    assert (short == text) == (cells(text) <= room)
    # Cells of a mark, and of a wide character on either side of it that would not have fitted.
    assert short == text or cells(short) >= room - 2


def test_one_word_keeps_its_ends_and_a_sentence_its_beginning() -> None:
    assert "gpt…ini" == shortened("gpt-4o-2024-mini", 7)
    assert "no one a…" == shortened("no one answers here", 9)


def test_the_widest_gives_way_and_names_last() -> None:
    assert [20, 14, 5] == fitted([20, 30, 5], 39, texts=[1], names=[0])
    assert [18, 12, 5] == fitted([40, 30, 5], 35, texts=[1], names=[0])
    assert [16, 9, 5] == fitted([40, 30, 5], 30, texts=[1], names=[0])
    assert fitted([40, 30, 5], 28, texts=[1], names=[0]) is None


@given(
    st.lists(st.integers(min_value=0, max_value=99), min_size=1, max_size=6),
    st.integers(min_value=1, max_value=200),
)
def test_fitted_widths_fit_and_never_grow(widths: list[int], room: int) -> None:
    found = fitted(widths, room, texts=range(0, len(widths), 2), names=[0])

    assert found is None or sum(found) <= room
    assert found is None or all(new <= old for new, old in zip(found, widths, strict=True))


def test_a_list_stays_within_the_terminal(live: Live, sit_live: Sit) -> None:
    live.provider("供应商-provider-of-very-long-name", "gpt", LONG)

    seen = sit_live("model", piped=False, COLUMNS="80")
    wide = sit_live("model", "-o", "wide", piped=False, COLUMNS="80")

    *rows, note = seen.terminal.splitlines()
    assert 3 == len(rows)
    assert 80 >= max(map(cells, rows))
    assert "org/深" in rows[2]
    assert "…" in rows[2]
    assert "the whole of MODEL, PROVIDER; -o wide has all" in note
    assert LONG in wide.terminal


def test_with_colours_nothing_stands_behind_the_last_word(live: Live, sit_live: Sit) -> None:
    live.provider()
    live.ask()
    live.ask()

    seen = sit_live("logs", "--color", "always", piped=False, COLUMNS="100")

    lines = seen.terminal.splitlines()
    assert not any(" \x1b[0m" == line[-5:] for line in lines)


def test_where_no_table_has_room_each_row_is_lines(live: Live, sit_live: Sit) -> None:
    live.provider("one", "gpt", LONG)

    seen = sit_live("model", "-q", piped=False, COLUMNS="40")

    first, second = seen.terminal.replace("\r", "").strip().split("\n\n")
    assert ["MODEL     gpt", "PROVIDER  one"] == first.splitlines()[:2]
    assert f"MODEL     {LONG}" == second.splitlines()[0]


def test_the_last_cell_of_a_screen_is_drawn(live: Live) -> None:
    """Erasing behind a line that is full takes what stands in its last cell."""
    live.provider("one", "gpt")

    with sitting(live.variables, "model", "--watch=0.1s") as terminal:
        terminal.wait_for(BEGIN, "MODEL", "gpt")

    assert "\r\n\x1b[KMODEL" in terminal.seen
    assert "gpt" in terminal.seen.partition("\x1b[KMODEL")[2]
    assert "ENABLED\x1b[K" not in terminal.seen
