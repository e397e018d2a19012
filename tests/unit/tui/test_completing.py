"""How a filter that is being written may go on."""

from tokenhub.filters import FIELDS, parse
from tokenhub_tui.state.completing import completions, quoted, tail

VALUES = {"model": ["gpt-4o", "gpt-4o-mini", "o 1"], "key": ["ci-bot"]}


def test_names_of_fields_are_completed_with_their_sign() -> None:
    assert ["model:", "mode:"] == completions("mo", FIELDS, VALUES)
    assert ["status:error !model:", "status:error !mode:"] == completions(
        "status:error !mo", FIELDS, VALUES
    )
    assert ["ms>"] == completions("ms", FIELDS, VALUES)


def test_values_that_were_seen_are_completed() -> None:
    assert ["model:gpt-4o", "model:gpt-4o-mini"] == completions("model:G", FIELDS, VALUES)
    assert ["model:x,gpt-4o-mini"] == completions("model:x,gpt-4o-", FIELDS, VALUES)
    assert ["key=ci-bot"] == completions("key=", FIELDS, VALUES)


def test_usual_values_stand_for_those_that_nobody_asked_for() -> None:
    assert ["status:error"] == completions("status:e", FIELDS, {})
    assert ["stream:yes", "stream:no"] == completions("stream:", FIELDS, {})
    assert ["since:15m", "since:1h"] == completions("since:1", FIELDS, {})


def test_what_is_complete_or_unknown_has_none() -> None:
    assert [] == completions("", FIELDS, VALUES)
    assert [] == completions("model:gpt-4o-mini", FIELDS, VALUES)
    assert [] == completions("model:gpt ", FIELDS, VALUES)
    assert [] == completions("nothing:x", FIELDS, VALUES)


def test_value_with_a_space_is_quoted_so_that_it_is_read_again() -> None:
    (found,) = completions("model:", FIELDS, {"model": ["o 1"]})

    assert 'model:"o 1"' == found
    assert parse(found).matches({"model_id": "o 1"})
    assert r'"a\"b"' == quoted('a"b')


def test_tail_is_the_word_that_is_chosen() -> None:
    assert "gpt-4o" == tail("status:error model:g", "status:error model:gpt-4o")
    assert "model:" == tail("mo", "model:")
