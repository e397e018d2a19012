"""Logging: one JSON object a line on standard output, an event name and its fields.

`log.info("request_settled", extra={"status": 200})` gives
`{"time":"...","level":"info","event":"request_settled","logger":"...","status":200}`.

Three things keep secrets and prompts out of it: only the fields of `fields.py` are shown; what they
say is searched for secrets (redaction.py); and a traceback has no values (tracebacks.py).
"""

import logging
import sys
import threading
from collections.abc import Callable
from contextlib import nullcontext
from datetime import UTC, datetime
from functools import partial
from typing import Any, TextIO

import msgspec

from tokenhub.adapters.telemetry import fields
from tokenhub.adapters.telemetry.redaction import Redaction
from tokenhub.adapters.telemetry.tracebacks import shown

LEVELS = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warn": logging.WARNING,
    "error": logging.ERROR,
}
NAMES = {value: name for name, value in LEVELS.items()} | {logging.CRITICAL: "error"}
# They report every connection or request of theirs, URLs and all; ours say what matters of it.
TALKATIVE = ("asyncio", "httpcore", "httpx", "opentelemetry", "urllib3", "uvicorn")
# What every record has; anything else came in by `extra` and is a field of the event.
ORDINARY = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "color_message"}
FIELDS = frozenset(fields.FIELDS)
WITHHELD = "[withheld]"
# Writes lines that are made already.
Outlet = Callable[[str], None]


class Line(logging.Formatter):
    """An event as one JSON line."""

    def __init__(self, redaction: Redaction) -> None:
        super().__init__()
        self._redaction = redaction

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": NAMES.get(record.levelno, record.levelname.lower()),
            "event": self._clean(record.getMessage()),
            "logger": record.name,
        }
        for name, value in vars(record).items():
            if name not in ORDINARY:
                line[name] = self._clean(value) if name in FIELDS else WITHHELD
        if record.exc_info:
            line["traceback"] = self._clean(shown(record.exc_info))
        if record.stack_info:
            line["stack"] = self._clean(record.stack_info)
        return msgspec.json.encode(line).decode()

    def _clean(self, value: object) -> object:
        """The same without secrets, whatever it is made of."""
        if value is None or isinstance(value, bool | int | float):
            return value
        if isinstance(value, str):
            return self._redaction.clean(value).encode("utf-8", "replace").decode()
        if isinstance(value, dict):
            return {str(self._clean(str(key))): self._clean(one) for key, one in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [self._clean(one) for one in value]
        return self._clean(repr(value))


def start_logging(level: str, *, stream: TextIO | None = None) -> Redaction:
    """Send the events of this process, from this level up, to a stream (standard output).

    Returns what is to be told of every secret.
    """
    redaction = Redaction()
    handler = logging.StreamHandler(stream or sys.stdout)
    handler.setFormatter(Line(redaction))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    set_level(level)
    return redaction


def set_level(level: str) -> None:
    """Log events from this level up."""
    logging.getLogger().setLevel(LEVELS[level])
    for name in TALKATIVE:
        logging.getLogger(name).setLevel(max(logging.WARNING, LEVELS[level]))


def current_level() -> str:
    """The level from which events are logged."""
    return NAMES.get(logging.getLogger().level, "info")


def outlet() -> Outlet | None:
    """Where the lines of this process go; None where `start_logging` was not called."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler, logging.StreamHandler) and isinstance(handler.formatter, Line):
            return partial(_write, handler)
    return None


def _write(handler: "logging.StreamHandler[TextIO]", text: str) -> None:
    """Between two events, never within one."""
    with handler.lock or nullcontext():
        handler.stream.write(text)
        handler.flush()


def log_strays() -> None:
    """Have the log tell of errors that nobody caught, in place of Python on standard error."""

    def stray(event: str, error: BaseException | None) -> None:
        if isinstance(error, KeyboardInterrupt | SystemExit):
            return
        told = (type(error), error, error.__traceback__) if error is not None else None
        logging.getLogger("tokenhub").error(event, exc_info=told)

    sys.excepthook = lambda _type, error, _traceback: stray("crashed", error)
    threading.excepthook = lambda args: stray("thread_crashed", args.exc_value)
    sys.unraisablehook = lambda args: stray("error_ignored", args.exc_value)
    logging.captureWarnings(capture=True)
