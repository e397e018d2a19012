"""`--all`: a list with all of its pages, as one answer."""

from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from tokenhub.client.call import Call

T = TypeVar("T")

# The most that the server gives at once (docs/admin/api.md).
PAGE = 1000
# What tells an answer with rows from others.
_MARKS = {"total", "limit", "offset"}


def whole(call: Call[T], ask: Callable[[Call[T]], T]) -> T:
    """The answer; of a list with the rows of all pages from the one that was asked for on."""
    answer = page = ask(call)
    name = _rows_of(page)
    if not name:
        return answer
    rows = list(getattr(page, name))
    while (following := _following(call, page, name)) is not None:
        page = ask(following)
        rows += getattr(page, name)
    joined: T = _joined(answer, name, rows)
    return joined


def _rows_of(page: object) -> str:
    """The field with the rows; empty where the answer is no list that goes on."""
    if not isinstance(page, msgspec.Struct) or not set(page.__struct_fields__) >= _MARKS:
        return ""
    return page.__struct_fields__[0]


def _following(call: Call[T], page: Any, name: str) -> Call[T] | None:
    """The question for the next page, None at the end: by cursor where the list has one."""
    count = len(getattr(page, name))
    if getattr(page, "next", None):
        turn = ("before", page.next)
    elif "next" not in page.__struct_fields__ and count and page.offset + count < page.total:
        turn = ("offset", str(page.offset + count))
    else:
        return None
    kept = [(key, value) for key, value in call.query if key not in {"limit", "offset", "before"}]
    return msgspec.structs.replace(call, query=(*kept, ("limit", str(PAGE)), turn))


def _joined(first: Any, name: str, rows: list[Any]) -> Any:
    """The first page with all the rows; nothing follows it."""
    end = {"next": None} if "next" in first.__struct_fields__ else {}
    total = max(first.total, first.offset + len(rows))
    return msgspec.structs.replace(
        first, **{name: rows}, limit=max(first.limit, len(rows)), total=total, **end
    )
