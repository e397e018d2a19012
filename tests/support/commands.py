"""The command tree of `tokenhubctl`, and the calls that each command can send.

Found in the code of the commands: the call functions (tokenhub.client.calls) that a command's
function names, or a function or class of tokenhub_cli that it names, and so on. What is imported
within a function counts as well.
"""

import dis
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from inspect import isclass, isfunction, signature, unwrap
from types import CodeType, FunctionType, ModuleType
from typing import Any, get_origin, get_type_hints

import typer
from typer.core import TyperGroup

from tokenhub.client import calls
from tokenhub.client.call import Call
from tokenhub_cli.lazy import Lazy
from tokenhub_cli.main import app

CALLS = calls.__name__
# Any request at all is no call of its own.
RAW = f"{CALLS}.raw"


def commands() -> Mapping[str, FunctionType]:
    """Every command by its words (`provider list`), with its function."""
    return dict(_below(typer.main.get_command(app), ""))


def _below(command: Any, words: str) -> Iterator[tuple[str, FunctionType]]:
    if isinstance(command, Lazy):
        command = command.load()
    if isinstance(command, TyperGroup):
        for name, below in command.commands.items():
            yield from _below(below, f"{words} {name}".strip())
    if command.callback is not None and words:
        yield words, unwrap(command.callback)


def call_functions() -> Iterator[FunctionType]:
    """Every function that gives a call, or a stream of one."""
    for found in pkgutil.iter_modules(calls.__path__, f"{CALLS}."):
        module = import_module(found.name)
        for function in vars(module).values():
            if _gives_call(function) and function.__module__ == found.name != RAW:
                yield function


def _gives_call(found: object) -> bool:
    if not isfunction(found) or not found.__module__.startswith(CALLS):
        return False
    given = get_type_hints(found).get("return")
    named = getattr(get_origin(given) or given, "__name__", "")
    return named in {"Call", "Stream"} and not found.__name__.startswith("_")


def sample(function: Callable[..., Any]) -> Call[object]:
    """A call of that function, with something for each argument that it must have."""
    hints = get_type_hints(function)
    given = [
        _something(hints[name])
        for name, one in signature(function).parameters.items()
        if one.default is one.empty and one.kind is not one.KEYWORD_ONLY
    ]
    made = function(*given)
    found: Call[object] = getattr(made, "call", made)
    return found


def _something(kind: Any) -> object:
    if get_origin(kind) is Call:
        return Call(method="GET", path="/admin/v1/logs", returns=object)
    plain: dict[Any, object] = {str: "sample", int: 1, float: 1.0, bool: True, bytes: b""}
    return plain.get(kind, {} if "Mapping" in str(kind) else None)


def sends(command: FunctionType) -> set[FunctionType]:
    """The call functions that a command reaches."""
    found: set[FunctionType] = set()
    seen: set[object] = set()
    waiting: list[object] = [command]
    while waiting:
        one = waiting.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        if _gives_call(one):
            assert isinstance(one, FunctionType)
            found.add(one)
        else:
            waiting += _parts(one)
    return found


def _parts(one: object) -> Iterator[object]:
    """What may be called by a thing of the command line's own."""
    if isinstance(one, dict):
        yield from one.values()
    elif isinstance(one, list | tuple | set | frozenset):
        yield from one
    elif not getattr(one, "__module__", "").startswith("tokenhub_cli"):
        return
    elif isfunction(one):
        yield from _named(one.__code__, one.__globals__)
    elif isclass(one):
        yield from (part for part in vars(one).values() if isfunction(part))


def _named(code: CodeType, space: Mapping[str, Any]) -> Iterator[object]:
    """The objects that code names: globals, and what it takes out of modules."""
    modules: list[ModuleType] = []
    attributes: set[str] = set()
    imported = ""
    for step in dis.get_instructions(code):
        if isinstance(step.argval, CodeType):
            yield from _named(step.argval, space)
        elif step.opname == "LOAD_GLOBAL" and step.argval in space:
            if isinstance(space[step.argval], ModuleType):
                modules.append(space[step.argval])
            yield space[step.argval]
        elif step.opname == "IMPORT_NAME":
            imported = step.argval
        elif step.opname == "IMPORT_FROM" and imported.startswith("tokenhub"):
            found = getattr(import_module(imported), step.argval, None)
            modules += [found] if isinstance(found, ModuleType) else []
            yield found
        elif step.opname in {"LOAD_ATTR", "LOAD_METHOD"}:
            attributes.add(step.argval)
    for module in modules:
        if module.__name__.startswith("tokenhub"):
            yield from (getattr(module, name, None) for name in attributes)
