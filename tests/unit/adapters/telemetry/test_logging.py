"""logging: one JSON line an event, and nothing that must not be in it."""

import ast
import base64
import io
import json
import logging
import sys
import threading
import warnings
from pathlib import Path
from urllib.parse import quote

import pytest

from tokenhub.adapters.telemetry.logging import FIELDS, log_strays, start_logging
from tokenhub.adapters.telemetry.redaction import Redaction
from tokenhub.core.errors import Unavailable
from tokenhub.core.keys import mint


@pytest.fixture
def redaction(lines):
    """What the log hides."""
    (handler,) = logging.getLogger().handlers
    found: Redaction = handler.formatter._redaction
    return found


@pytest.fixture
def lines():
    """Start logging into memory; afterwards the root logger is as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stream = io.StringIO()
    start_logging("info", stream=stream)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    root.handlers[:] = handlers
    root.setLevel(level)


def test_an_event_is_one_line_with_its_fields(lines):
    fields = {"status": 200, "detail": ("a", "b")}
    logging.getLogger("tokenhub.test").info("settled", extra=fields)

    (line,) = lines()
    assert "settled" == line["event"]
    assert "info" == line["level"]
    assert "tokenhub.test" == line["logger"]
    assert 200 == line["status"]
    assert ["a", "b"] == line["detail"]
    assert line["time"].endswith("+00:00")


def test_the_level_holds_and_talkative_libraries_are_quiet(lines):
    logging.getLogger("tokenhub.test").debug("fine")
    logging.getLogger("httpx").info("HTTP Request: GET https://provider/v1?key=1")

    assert [] == lines()


def test_a_field_that_nobody_has_vouched_for_is_withheld(lines):
    fields = {"api_key": "sk-1", "Authorization": "Bearer x", "prompt": "hello", "target": "m"}
    logging.getLogger("tokenhub.test").warning("odd", extra=fields)

    (line,) = lines()
    assert "[withheld]" == line["api_key"] == line["Authorization"] == line["prompt"]
    assert "m" == line["target"]


def test_a_traceback_is_in_its_line_and_any_value_can_be_written(lines):
    try:
        {}["x"]
    except KeyError:
        logging.getLogger("tokenhub.test").exception("failed", extra={"detail": object})

    (line,) = lines()
    assert "KeyError" in line["traceback"]
    assert "<class 'object'>" == line["detail"]


SECRET = 'correct horse battery/staple"é'
TEXTS = {
    "as it is": SECRET,
    "in a URL": quote(SECRET, safe=""),
    "as Python shows it": repr(SECRET),
    "in base64": base64.b64encode(SECRET.encode()).decode(),
    "in base64 of URLs": base64.urlsafe_b64encode(SECRET.encode()).decode(),
    "in hexadecimal": SECRET.encode().hex(),
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_a_known_secret_is_hidden_wherever_it_stands(redaction, lines, text):
    redaction.hide(SECRET)
    told = [{"deep": (f"a{text}b", {text: 1})}, {text}]

    logging.getLogger("tokenhub.test").error("saw %s", text, extra={"detail": told})
    error = OSError(f"cannot open {text}")
    logging.getLogger("tokenhub.test").error("failed", exc_info=error, extra={"reason": text})

    shown = json.dumps(lines(), ensure_ascii=False)
    assert text not in shown
    assert text.strip("=") not in shown
    assert 6 == shown.count("[hidden]")


def test_what_is_too_short_to_be_a_secret_is_no_secret(redaction):
    redaction.hide("EMPTY")
    redaction.hide(b"")

    assert "EMPTY lines" == redaction.clean("EMPTY lines")


def test_a_secret_within_another_does_not_shield_it(redaction):
    redaction.hide("password")
    redaction.hide("password-of-mine")

    assert "[hidden] [hidden]s" == redaction.clean("password-of-mine passwords")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (mint(7), "[hidden]"),
        (f"tokenhub_{'0af3' * 16}", "[hidden]"),
        (f"a tha_{'9b' * 32}.", "a [hidden]."),
        (f"ths_{'Ab_-' * 8}", "[hidden]"),
        ("sk-ant-api03-abc_DEF-123456", "[hidden]"),
        ("Authorization: Bearer abc.def", "Authorization: Bearer [hidden]"),
        ("{'x-api-key': 'abc'}", "{'x-api-key': '[hidden]'}"),
        ("GET https://h/v1?key=abc&x=1", "GET https://h/v1?key=[hidden]&x=1"),
        ("https://me:abc@host/v1", "https://me:[hidden]@host/v1"),
        ("tokenhub_abcd...wxyz", "tokenhub_abcd...wxyz"),
        ("task-list and risk-assessment", "task-list and risk-assessment"),
        ("http://127.0.0.1:9000/v1", "http://127.0.0.1:9000/v1"),
        ("http://[::1]:9000/v1", "http://[::1]:9000/v1"),
        ("key_1 may send 5 requests", "key_1 may send 5 requests"),
    ],
)
def test_what_has_the_form_of_a_secret_is_hidden(redaction, text, shown):
    assert shown == redaction.clean(text)


WISH = "a secret wish"


def test_a_traceback_holds_nobodys_values(lines):
    def fail(prompt):
        try:
            int(prompt)
        except ValueError as error:
            raise ExceptionGroup("mine", [KeyError(prompt), Unavailable("do this")]) from error

    try:
        fail(WISH)
    except ExceptionGroup:
        logging.getLogger("tokenhub.test").exception("failed")

    (line,) = lines()
    assert WISH not in json.dumps(line)
    for told in (
        "ValueError: [withheld]",
        "KeyError: [withheld]",
        "Unavailable: do this",
        "Which led to:",
        "in fail",
    ):
        assert told in line["traceback"]


def test_every_field_that_the_server_logs_is_a_known_one():
    """One that is missing would show as withheld; add it to FIELDS if it can hold no secret."""
    used = set()
    for path in (Path(__file__).parents[4] / "tokenhub").rglob("*.py"):
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(call, ast.Call):
                given = [k.value for k in call.keywords if k.arg == "extra"]
                dicts = [d for d in given if isinstance(d, ast.Dict)]
                used |= {
                    key.value for d in dicts for key in d.keys if isinstance(key, ast.Constant)
                }

    assert {"request_id", "reason"} <= used
    assert set() == used - FIELDS


@pytest.fixture
def hooks():
    kept = sys.excepthook, threading.excepthook, sys.unraisablehook, warnings.showwarning
    yield
    logging.captureWarnings(capture=False)
    sys.excepthook, threading.excepthook, sys.unraisablehook, warnings.showwarning = kept


def test_an_error_that_nobody_caught_is_a_line_of_the_log(lines, hooks):
    log_strays()

    sys.excepthook(KeyError, KeyError("a wish"), None)
    thread = threading.Thread(target=lambda: {}["a wish"])
    thread.start()
    thread.join()
    sys.excepthook(KeyboardInterrupt, KeyboardInterrupt(), None)

    assert ["crashed", "thread_crashed"] == [line["event"] for line in lines()]
    assert "a wish" not in "".join(line["traceback"].rpartition("\n")[2] for line in lines())
