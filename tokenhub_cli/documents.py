"""Files of `apply` and `diff`: read, checked, with the secrets that they only name.

A fault is told with the line of the file where it is. YAML is read with its safe loader alone;
JSON is YAML, too.
"""

import os
import re
import sys
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import typer
import yaml
from msgspec.structs import replace

from tokenhub.client.errors import Refused
from tokenhub.wire.config import Document, ProviderEntry, SecretRef

# Larger than any catalog, and than what the server takes.
MAX_BYTES = 10 * 2**20
_AT = re.compile(r" - at `\$(?P<path>[^`]*)`$")
_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]")
_UNKNOWN = re.compile(r"unknown field `(?P<name>[^`]+)`")


class File:
    """A file as it was read: what it says, and where."""

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        try:
            self._root = yaml.compose(text, Loader=yaml.SafeLoader)
            told = yaml.safe_load(text)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            raise self._fault(mark.line + 1 if mark else 1, error.problem or "no YAML") from error
        except (yaml.YAMLError, ValueError, RecursionError) as error:
            raise self._fault(1, f"this is no YAML: {error}") from error
        if self._root is None:
            raise self._fault(1, "there is nothing in it")
        try:
            for node, key in _twice(self._root):
                raise self._fault(node.start_mark.line + 1, f"{key} is given twice")
            self.document = self._document(told)
        except RecursionError as error:
            raise self._fault(1, "an anchor of it stands within itself") from error

    def wanted(self) -> Document:
        """The document to send: with the secrets of this environment that it names."""
        if not isinstance(self.document.providers, list):
            return self.document
        providers = [self._keyed(at, one) for at, one in enumerate(self.document.providers)]
        return replace(self.document, providers=providers)

    def placed(self, error: Refused) -> Refused:
        """The server's refusal with the line that it is about."""
        if not error.fields:
            return error
        pointer, _ = error.fields[0]
        line = self._line([_step(part) for part in pointer.removeprefix("#/").split("/")])
        return type(error)(
            f"{self.name}:{line}: {error.detail}",
            status=error.status,
            code=error.code,
            request_id=error.request_id,
            fields=error.fields,
        )

    def _document(self, told: object) -> Document:
        try:
            return msgspec.convert(_dated(told), Document)
        except msgspec.ValidationError as error:
            text = str(error)
            at = _AT.search(text)
            path = _STEP.findall(at["path"]) if at else []
            steps = [int(index) if index else name for name, index in path]
            if unknown := _UNKNOWN.search(text):
                steps.append(unknown["name"])
            raise self._fault(self._line(steps), _AT.sub("", text)) from error

    def _keyed(self, at: int, provider: ProviderEntry) -> ProviderEntry:
        reference = provider.api_key
        if not isinstance(reference, SecretRef) or not reference.env:
            return provider
        line = self._line(["providers", at, "api_key"])
        if reference.vault:
            raise self._fault(line, "give env or vault, not both")
        secret = os.environ.get(reference.env, "")  # noqa: TID251 - the file names the variable
        if not secret:
            raise self._fault(line, f"{reference.env} is not set, or holds nothing")
        return replace(provider, api_key=secret)

    def _line(self, steps: Sequence[str | int]) -> int:
        """The line of what is at the end of a path, or of as much of it as there is."""
        node: Any = self._root
        line = node.start_mark.line
        for step in steps:
            found = _below(node, step)
            if found is None:
                break
            node, line = found
        return int(line) + 1

    def _fault(self, line: int, what: str) -> typer.BadParameter:
        return typer.BadParameter(f"{self.name}:{line}: {what}", param_hint="-f")


def read(name: str) -> File:
    """The file of that name, `-` for stdin. Raises a usage error with the line of what is wrong."""
    try:
        content = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    except OSError as error:
        raise typer.BadParameter(
            f"{name} cannot be read: {error.strerror or error}", param_hint="-f"
        ) from error
    shown = "stdin" if name == "-" else name
    if len(content) > MAX_BYTES:
        raise typer.BadParameter(f"{shown} has more than {MAX_BYTES >> 20} MiB", param_hint="-f")
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise typer.BadParameter(f"{shown}:{line}: this is no UTF-8", param_hint="-f") from error
    return File(shown, text)


def _step(part: str) -> str | int:
    return int(part) if part.isdigit() else part.replace("~1", "/").replace("~0", "~")


def _below(node: Any, step: str | int) -> tuple[Any, int] | None:
    """The node one step down, and the line of its key; None where there is none."""
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        found = node.value[step]
        return found, found.start_mark.line
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == str(step):
                return value, key.start_mark.line
    return None


def _twice(node: Any) -> Iterator[tuple[Any, str]]:
    """Keys that a mapping has more than once: YAML's loader would take the last in silence."""
    if isinstance(node, yaml.SequenceNode):
        for one in node.value:
            yield from _twice(one)
    elif isinstance(node, yaml.MappingNode):
        seen = set()
        for key, value in node.value:
            if key.value in seen:
                yield key, str(key.value)
            seen.add(str(key.value))
            yield from _twice(value)


def _dated(told: Any) -> Any:
    """With times as text, as JSON has them: YAML reads an unquoted one as more than that."""
    if isinstance(told, dict):
        return {name: _dated(value) for name, value in told.items()}
    if isinstance(told, list):
        return [_dated(value) for value in told]
    return told.isoformat() if isinstance(told, date) else told
