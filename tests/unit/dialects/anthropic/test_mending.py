"""Histories that the vendor would refuse, on their way between equals."""

import json
from typing import Any

import pytest
from hypothesis import given

from tests.support.talks import talks
from tests.unit.dialects.anthropic.said import assistant, body, user
from tokenhub.dialects.anthropic.ask import to_ask
from tokenhub.dialects.anthropic.mending import mended
from tokenhub.dialects.anthropic.passing import payload
from tokenhub.dialects.anthropic.writing import write
from tokenhub.dialects.pairing import INTERRUPTED

TEXT = {"type": "text", "text": "x"}
SIGNED = {"type": "thinking", "thinking": "", "signature": "s"}


def use(id_: str = "a") -> dict[str, Any]:
    return {"type": "tool_use", "id": id_, "name": "f", "input": {}}


def result(id_: str = "a", **fields: Any) -> dict[str, Any]:
    return {"type": "tool_result", "tool_use_id": id_, **fields}


def missing(id_: str) -> dict[str, Any]:
    return result(id_, content=INTERRUPTED, is_error=True)


def history(*messages: Any, **fields: Any) -> list[Any]:
    said = json.loads(mended(body(*messages, **fields)))["messages"]
    assert isinstance(said, list)
    return said


FINE: list[tuple[str, tuple[Any, ...]]] = [
    ("plain", ("hi", assistant("so"), "on")),
    ("signed", ("hi", assistant([SIGNED, TEXT]), "on")),
    ("sealed", ("hi", assistant([{"type": "redacted_thinking", "data": "d"}]), "on")),
    ("answered", ("hi", assistant([TEXT, use()]), user([result(), TEXT]))),
    ("twice", ("hi", assistant([use("a"), use("b")]), user([result("b"), result("a")]))),
    ("in two turns", ("hi", assistant([use()]), user([result()]), "more", assistant("so"))),
    (
        "with a system turn",
        ("hi", assistant([use()]), {"role": "system", "content": "s"}, user([result()])),
    ),
    ("of another form", ("hi", assistant([use()]), {"role": "user"})),
    ("written about", ('{"type":"thinking"} {"type":"tool_use"}',)),
]


@pytest.mark.parametrize("messages", [row[1] for row in FINE], ids=[row[0] for row in FINE])
def test_a_history_that_the_vendor_takes_keeps_its_bytes(messages: tuple[Any, ...]) -> None:
    sent = body(*messages)

    assert sent is mended(sent)


@given(talks(thinking=True))
def test_whatever_we_write_ourselves_keeps_its_bytes(talk: Any) -> None:
    sent = write(talk, model="m", max_tokens=9).body

    assert sent is mended(sent)


@pytest.mark.parametrize("signature", [{}, {"signature": ""}, {"signature": None}])
def test_thinking_without_its_signature_is_left_out(signature: dict[str, Any]) -> None:
    thought = {"type": "thinking", "thinking": "t", **signature}

    got = history("hi", assistant([thought, SIGNED, TEXT]), assistant([thought]), "on")

    assert [user("hi"), assistant([SIGNED, TEXT]), user("on")] == got


def test_all_else_of_such_a_body_keeps_its_bytes() -> None:
    sent = (
        b'{"x": 1.50, "max_tokens":1,"messages":[{"role":"user","content":"\\u00e9", "y":1e2},'
        b'{"role":"assistant","content":[{"type" : "thinking","thinking":"t"},{"a": 1.0}]}]}'
    )

    got = payload(to_ask(sent.replace(b'"a": 1.0', b'"type":"new", "a": 1.0')), "m")

    assert {"x", "max_tokens", "messages", "model"} == set(json.loads(got))
    assert all(kept in got for kept in (b'"x":1.50', b'"\\u00e9", "y":1e2', b'"a": 1.0'))
    assert b"thinking" not in got


MENDED: list[tuple[str, tuple[Any, ...], list[Any]]] = [
    (
        "interrupted",
        (assistant([use()]), "go on"),
        [assistant([use()]), user([missing("a"), {"type": "text", "text": "go on"}])],
    ),
    (
        "interrupted at the end",
        (assistant([use("a"), use("b")]),),
        [assistant([use("a"), use("b")]), user([missing("a"), missing("b")])],
    ),
    (
        "one of two answered",
        (assistant([use("a"), use("b")]), user([result("b")]), user([TEXT])),
        [assistant([use("a"), use("b")]), user([result("b"), missing("a"), TEXT])],
    ),
    (
        "behind a text",
        (assistant([use()]), user([TEXT, result()])),
        [assistant([use()]), user([result(), TEXT])],
    ),
    (
        "two results",
        (assistant([use()]), user([result(content="1"), result(content=[TEXT])])),
        [assistant([use()]), user([result(content="1"), TEXT])],
    ),
    (
        "no call",
        (
            assistant("so"),
            user([result(content="r"), result(), result(content=[{"type": "tool_reference"}])]),
        ),
        [
            assistant("so"),
            user(
                [
                    {"type": "text", "text": "r"},
                    {"type": "text", "text": "(an empty result)"},
                    {"type": "text", "text": '{"type": "tool_reference"}'},
                ]
            ),
        ],
    ),
    (
        "a call of an earlier turn",
        (assistant([use()]), user([result()]), assistant("so"), user([result(content="r")])),
        [
            assistant([use()]),
            user([result()]),
            assistant("so"),
            user([{"type": "text", "text": "r"}]),
        ],
    ),
    (
        "with a system turn",
        (assistant([use()]), {"role": "system", "content": "s"}, "on"),
        [
            assistant([use()]),
            user([missing("a"), {"type": "text", "text": "on"}]),
            {"role": "system", "content": "s"},
        ],
    ),
    (
        "calls in two turns",
        (assistant([use("a")]), assistant([use("b")]), user([result("a")])),
        [assistant([use("a")]), assistant([use("b")]), user([result("a"), missing("b")])],
    ),
]


@pytest.mark.parametrize(
    ("messages", "expected"), [row[1:] for row in MENDED], ids=[row[0] for row in MENDED]
)
def test_every_call_has_its_result_and_every_result_its_call(
    messages: tuple[Any, ...], expected: list[Any]
) -> None:
    got = history("hi", *messages)

    assert [user("hi"), *expected] == got
    assert got == history(*got)
