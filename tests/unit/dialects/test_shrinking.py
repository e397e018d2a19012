"""A lower limit of the answer, in the words of the caller's own request."""

import msgspec
import pytest

from tests.support.builders import a_body
from tokenhub.core.ask import Ask
from tokenhub.dialects.shrinking import shrunk


def an_ask(speech: str = "openai", **fields: object) -> Ask:
    return Ask(payload=a_body("hi", **fields), speech=speech)


def limits(ask: Ask | None) -> dict[str, object]:
    assert ask is not None
    body = msgspec.json.decode(ask.payload)
    return {name: value for name, value in body.items() if "tokens" in name}


@pytest.mark.parametrize(
    ("given", "model", "written"),
    [
        ({}, "llama-3", {"max_tokens": 840}),
        ({}, "gpt-5", {"max_completion_tokens": 840}),
        ({"max_tokens": 1000}, "gpt-5", {"max_tokens": 840}),
        ({"max_tokens": None}, "llama-3", {"max_tokens": 840}),
        ({"max_completion_tokens": 1000}, "llama-3", {"max_completion_tokens": 840}),
        (
            {"max_tokens": 1000, "max_completion_tokens": 900},
            "llama-3",
            {"max_tokens": 840, "max_completion_tokens": 840},
        ),
    ],
)
def test_limit_is_written_where_the_caller_had_it(
    given: dict[str, object], model: str, written: dict[str, object]
) -> None:
    ask = shrunk(an_ask(**given), 840, model)

    assert written == limits(ask)
    assert ask is not None
    assert 840 == ask.max_tokens


def test_anthropics_limit_has_one_name() -> None:
    assert {"max_tokens": 840} == limits(shrunk(an_ask("anthropic", max_tokens=1000), 840, "m"))


@pytest.mark.parametrize(("budget", "shrinks"), [(839, True), (840, False), (4000, False)])
def test_budget_for_thought_is_not_cut(
    budget: int,
    shrinks: bool,  # noqa: FBT001 - a table's column
) -> None:
    thinking = {"type": "enabled", "budget_tokens": budget}
    ask = an_ask("anthropic", max_tokens=5000, thinking=thinking)

    assert shrinks is (shrunk(ask, 840, "m") is not None)


def test_all_else_stays_as_it_was() -> None:
    ask = an_ask(model="m", temperature=0.30, unknown={"a": 1e2})

    found = shrunk(ask, 840, "m")

    assert found is not None
    assert b'"temperature":0.3,"unknown":{"a":100.0}' in found.payload.replace(b" ", b"")
    assert (
        msgspec.json.decode(ask.payload)["messages"]
        == (msgspec.json.decode(found.payload)["messages"])
    )
