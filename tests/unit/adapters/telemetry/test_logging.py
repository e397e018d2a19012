"""logging: one JSON line an event, and nothing that must not be in it."""

import io
import json
import logging

import pytest

from tokenhub.adapters.telemetry.logging import start_logging


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
    logging.getLogger("tokenhub.test").info("settled", extra={"status": 200, "tags": ("a", "b")})

    (line,) = lines()
    assert "settled" == line["event"]
    assert "info" == line["level"]
    assert "tokenhub.test" == line["logger"]
    assert 200 == line["status"]
    assert ["a", "b"] == line["tags"]
    assert line["time"].endswith("+00:00")


def test_the_level_holds_and_talkative_libraries_are_quiet(lines):
    logging.getLogger("tokenhub.test").debug("fine")
    logging.getLogger("httpx").info("HTTP Request: GET https://provider/v1?key=1")

    assert [] == lines()


def test_a_field_that_is_named_like_a_secret_is_withheld(lines):
    fields = {"api_key": "sk-1", "Authorization": "Bearer x", "prompt": "hello", "model": "m"}
    logging.getLogger("tokenhub.test").warning("odd", extra=fields)

    (line,) = lines()
    assert "[withheld]" == line["api_key"] == line["Authorization"] == line["prompt"]
    assert "m" == line["model"]


def test_a_traceback_is_in_its_line_and_any_value_can_be_written(lines):
    try:
        {}["x"]
    except KeyError:
        logging.getLogger("tokenhub.test").exception("failed", extra={"what": object})

    (line,) = lines()
    assert "KeyError" in line["traceback"]
    assert "<class 'object'>" == line["what"]
