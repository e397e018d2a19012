"""A traceback as the log may have it: where, and what kind of error, without anybody's values.

Variables are never in it. Of an error's message only those are shown that cannot hold what a
caller sent: `KeyError: 'my prompt'` is `KeyError: [withheld]`.
"""

import asyncio
import sqlite3
import traceback
from collections.abc import Iterator
from types import TracebackType

from tokenhub.core.errors import TokenHubError

WITHHELD = "[withheld]"
# Written by us, by the system or by SQLite; or by Python, about types and names.
TELLING = (
    TokenHubError, OSError, sqlite3.Error, AttributeError, ImportError, MemoryError, NameError,
    NotImplementedError, RecursionError, TypeError, asyncio.CancelledError, TimeoutError,
)  # fmt: skip
# No chain of causes that is worth reading is longer.
_DEEPEST = 20

Raised = tuple[type[BaseException] | None, BaseException | None, TracebackType | None]


def shown(raised: Raised) -> str:
    """The traceback of an error, with its causes before it, as Python prints it."""
    return "".join(_lines(raised[1], _DEEPEST)).rstrip("\n")


def _lines(error: BaseException | None, depth: int) -> Iterator[str]:
    if error is None or not depth:
        return
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if cause is not None:
        yield from _lines(cause, depth - 1)
        yield "\nWhich led to:\n\n"
    yield "Traceback (most recent call last):\n"
    yield from traceback.format_tb(error.__traceback__)
    yield f"{type(error).__name__}: {_message(error)}\n"
    if isinstance(error, BaseExceptionGroup):
        for number, one in enumerate(error.exceptions, start=1):
            yield f"\nPart {number} of it:\n\n"
            yield from _lines(one, depth - 1)


def _message(error: BaseException) -> str:
    return str(error) if isinstance(error, TELLING) else WITHHELD
