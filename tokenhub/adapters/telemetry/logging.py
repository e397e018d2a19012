"""Logging: one JSON object a line on standard output, an event name and its fields.

`log.info("request_settled", extra={"status": 200})` gives
`{"time":"...","level":"info","event":"request_settled","logger":"...","status":200}`.
"""

import logging
import sys
from datetime import UTC, datetime
from typing import Any, TextIO

import msgspec

LEVELS = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warn": logging.WARNING,
    "error": logging.ERROR,
}
NAMES = {value: name for name, value in LEVELS.items()} | {logging.CRITICAL: "error"}
# They report every connection or request of theirs, URLs and all; ours say what matters of it.
TALKATIVE = ("asyncio", "httpcore", "httpx", "uvicorn")
# What every record has; anything else came in by `extra` and is a field of the event.
ORDINARY = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "color_message"}
# A field by one of these names holds a secret or somebody's text, whoever passed it.
WITHHELD = frozenset(
    {"admin_token", "api_key", "authorization", "body", "completion", "content", "cookie"}
    | {"key", "messages", "password", "prompt", "secret", "token", "x_api_key"}
)


class Line(logging.Formatter):
    """An event as one JSON line. Fields that would show a secret show as `[withheld]`."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": NAMES.get(record.levelno, record.levelname.lower()),
            "event": record.getMessage(),
            "logger": record.name,
        }
        for name, value in vars(record).items():
            if name not in ORDINARY:
                line[name] = "[withheld]" if name.lower() in WITHHELD else value
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return msgspec.json.encode(line, enc_hook=repr).decode()


def start_logging(level: str, *, stream: TextIO | None = None) -> None:
    """Send the events of this process, from this level up, to a stream (standard output)."""
    handler = logging.StreamHandler(stream or sys.stdout)
    handler.setFormatter(Line())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(LEVELS[level])
    for name in TALKATIVE:
        logging.getLogger(name).setLevel(max(logging.WARNING, LEVELS[level]))
