"""What OpenAI's own models take, by their names."""

import pytest

from tokenhub.dialects.openai.models import LEVELS, family, nearest


@pytest.mark.parametrize(
    "name",
    ["gpt-4o", "gpt-3.5-turbo", "o3-mini", "chatgpt-4o-latest", "openai/gpt-5", "ft:gpt-4o:me::1"],
)
def test_openai_s_own_models_are_known(name: str) -> None:
    assert family(name).own


@pytest.mark.parametrize(
    "name", ["gpt-oss-120b", "openai/gpt-oss-20b", "llama-3", "o1s-of-others", "m", "", "my/gpt-5"]
)
def test_all_others_are_read_as_taking_everything(name: str) -> None:
    takes = family(name)

    assert (False, None, "always", True, True) == (
        takes.own,
        takes.efforts,
        takes.samples,
        takes.stops,
        takes.parallel,
    )


@pytest.mark.parametrize(
    ("name", "efforts", "samples", "stops", "parallel"),
    [
        ("gpt-3.5-turbo", "", "always", True, True),
        ("gpt-4", "", "always", True, True),
        ("gpt-4.1-mini", "", "always", True, True),
        ("ft:gpt-4o-2024-08-06:me::1", "", "always", True, True),
        ("gpt-5-chat-latest", "", "always", True, True),
        ("o1-mini", "", "never", True, False),
        ("o1", "low medium high", "never", True, False),
        ("o1-2024-12-17", "low medium high", "never", True, False),
        ("o3", "low medium high", "never", False, False),
        ("o3-mini", "low medium high", "never", False, False),
        ("o4-mini-2025-04-16", "low medium high", "never", False, False),
        ("gpt-5", "minimal low medium high", "never", False, True),
        ("gpt-5-mini", "minimal low medium high", "never", False, True),
        ("gpt-5.1", "none low medium high", "unreasoned", False, True),
        ("gpt-5.1-2025-11-13", "none low medium high", "unreasoned", False, True),
        ("gpt-5.2-chat-latest", "", "never", False, True),
        ("gpt-5.2", "none low medium high xhigh", "unreasoned", False, True),
        ("gpt-5.5-mini", "none low medium high xhigh", "unreasoned", False, True),
        ("gpt-6", "none low medium high xhigh", "unreasoned", False, True),
    ],
)
def test_each_family_takes_what_it_takes(
    name: str,
    efforts: str,
    samples: str,
    stops: bool,  # noqa: FBT001 - a table's column
    parallel: bool,  # noqa: FBT001 - a table's column
) -> None:
    takes = family(name)

    assert (tuple(efforts.split()), samples, stops, parallel) == (
        takes.efforts,
        takes.samples,
        takes.stops,
        takes.parallel,
    )


@pytest.mark.parametrize(
    ("name", "levels"),
    [
        ("o3", "low low low medium high high high"),
        ("gpt-5", "minimal minimal low medium high high high"),
        ("gpt-5.1", "none none low medium high high high"),
        ("gpt-5.2", "none none low medium high xhigh xhigh"),
    ],
)
def test_level_becomes_the_nearest_that_is_known(name: str, levels: str) -> None:
    known = family(name).efforts
    assert known

    assert levels.split() == [nearest(level, known) for level in LEVELS]
