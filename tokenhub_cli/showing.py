"""The fields that a command shows, for a shell that completes `--fields` before there are rows.

A command names its view, or a function that shows one, so its code tells: no command need say it
a second time, and no server is asked.
"""

import inspect
import sys
from collections.abc import Callable, Iterator
from types import CodeType, FunctionType
from typing import Any, get_args, get_origin, get_type_hints

import msgspec

from tokenhub_cli.output import View

_OURS = "tokenhub_cli."


def fields_shown(callback: Callable[..., Any]) -> list[str]:
    """Names of columns, then of the rows' other fields; none where it shows no rows."""
    names: list[str] = []
    for kind, view in _views(callback, seen=set()):
        names += [column.key for column in view.columns] if view else []
        for one in (kind, *kind.__subclasses__()) if kind else ():
            names += one.__struct_fields__
    return list(dict.fromkeys(names))


def _views(callback: Any, *, seen: set[str]) -> Iterator[tuple[Any, View[Any] | None]]:
    """What it shows: the type of a row, and the view where that is a constant."""
    function = inspect.unwrap(callback)
    if not isinstance(function, FunctionType) or not function.__module__.startswith(_OURS):
        return
    module = sys.modules[function.__module__]
    for name in _named(function.__code__):
        value = vars(module).get(name)
        if f"{module.__name__}.{name}" in seen:
            continue
        seen.add(f"{module.__name__}.{name}")
        if isinstance(value, View):
            yield _row(module.__annotations__.get(name)), value
        elif isinstance(value, FunctionType):
            if get_origin(shown := _returned(value)) is View:
                yield _row(shown), None
            yield from _views(value, seen=seen)


def _named(code: CodeType) -> Iterator[str]:
    """The names that a function uses, those of functions within it among them."""
    yield from code.co_names
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from _named(inner)


def _returned(function: FunctionType) -> Any:
    try:
        return get_type_hints(function).get("return")
    except NameError:  # a type that only the type checker has imported
        return None


def _row(view: Any) -> Any:
    """The type of the rows of `View[...]`."""
    row = next(iter(get_args(view)), None)
    return row if isinstance(row, type) and issubclass(row, msgspec.Struct) else None
