"""What each generation of models takes, by the names that the vendor and its resellers use."""

import pytest

from tokenhub.dialects.anthropic.models import UNKNOWN, model

UP_TO_MAX = ("low", "medium", "high", "max")
ALL = ("low", "medium", "high", "xhigh", "max")
# thinking, off, efforts, sampling, prefill
Row = tuple[str, str, tuple[str, ...], str, bool]
FIRST: Row = ("none", "disabled", (), "both", True)
EARLY: Row = ("budget", "disabled", (), "both", True)
LATER: Row = ("adaptive", "disabled", ALL, "none", False)

MODELS: list[tuple[str, Row]] = [
    ("claude-2.1", FIRST),
    ("anthropic.claude-v2:1", FIRST),
    ("claude-instant-1.2", FIRST),
    ("claude-3-opus-20240229", FIRST),
    ("claude-3-5-haiku-latest", FIRST),
    ("anthropic/claude-3.5-sonnet", FIRST),
    ("claude-3-7-sonnet-20250219", EARLY),
    ("claude-opus-4-20250514", EARLY),
    ("claude-sonnet-4-0", EARLY),
    ("claude-opus-4-1-20250805", ("budget", "disabled", (), "one", True)),
    ("claude-sonnet-4-5-20250929", ("budget", "disabled", (), "one", True)),
    ("us.anthropic.claude-haiku-4-5-20251001-v1:0", ("budget", "disabled", (), "one", True)),
    ("claude-opus-4-5@20251101", ("budget", "disabled", ALL[:3], "one", True)),
    ("claude-opus-4-6", ("both", "disabled", UP_TO_MAX, "one", False)),
    ("anthropic/claude-sonnet-4.6", ("both", "disabled", UP_TO_MAX, "one", False)),
    ("claude-opus-4-7", ("adaptive", "silence", ALL, "none", False)),
    ("anthropic/claude-4.7-opus", ("adaptive", "silence", ALL, "none", False)),
    ("claude-opus-4-8", ("adaptive", "silence", ALL, "none", False)),
    ("claude-opus-5", LATER),
    ("claude-sonnet-5", LATER),
    ("claude-haiku-5-5", LATER),
    ("claude-sonnet-5-5", ("adaptive", "between_tools", ALL, "none", False)),
    ("claude-opus-5-5", ("adaptive", "never", ALL, "none", False)),
    ("claude-fable-5-1", ("adaptive", "never", ALL, "none", False)),
    ("claude-mythos-preview", ("adaptive", "never", ALL, "none", False)),
    ("claude-opus-6", ("adaptive", "never", ALL, "none", False)),
    ("claude-haiku-10-1", LATER),
]


@pytest.mark.parametrize(("name", "row"), MODELS, ids=[name for name, _ in MODELS])
def test_every_generation_is_known_by_its_names(name: str, row: Row) -> None:
    takes = model(name)

    got = (takes.thinking, takes.off, takes.efforts, takes.sampling, takes.prefill)
    assert row == got


@pytest.mark.parametrize("name", ["", "glm-4.7", "my-claude-clone-7b", "claude-new", "claude-9"])
def test_a_name_that_is_not_the_vendors_is_let_have_everything(name: str) -> None:
    assert UNKNOWN is model(name)
