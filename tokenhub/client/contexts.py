"""Servers that a user has named, with the token of each: one file, readable by its owner alone.

    current = "prod"

    [contexts.prod]
    url = "https://tokenhub.example"
    token = "..."
    read_only = true
    accent = "red"

It is `tokenhub/config.toml` in `$XDG_CONFIG_HOME`, or in `~/.config`.
"""

import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import msgspec

from tokenhub.client.errors import BadProfile

NAME = Path("tokenhub") / "config.toml"


# What a context may be marked with, so that no two are taken for each other.
Accent = Literal["", "red", "amber", "green", "blue"]


class Context(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A server, and the token for it or the file that holds one.

    The console changes nothing of a server that is `read_only`, and marks its name with the
    `accent`.
    """

    url: str
    token: str = ""
    token_file: str = ""
    read_only: bool = False
    accent: Accent = ""

    def __repr__(self) -> str:
        return f"Context(url={self.url!r})"


class Contexts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """All of them; `current` is the one that is used where none is named."""

    current: str = ""
    contexts: dict[str, Context] = {}

    def named(self, name: str) -> Context:
        """The context of that name. Raises BadProfile, which tells those there are."""
        if name not in self.contexts:
            there = ", ".join(self.contexts) or "none yet"
            raise BadProfile(f"there is no context {name!r}; there is {there}")
        return self.contexts[name]

    def with_context(self, name: str, context: Context, *, use: bool = False) -> "Contexts":
        """The same with a context, new or in the place of another; the first one is used.

        A new token for a server leaves it read-only, and marked, as it was.
        """
        before = self.contexts.get(name)
        if before is not None:
            context = msgspec.structs.replace(
                context,
                read_only=context.read_only or before.read_only,
                accent=context.accent or before.accent,
            )
        current = name if use or not self.contexts else self.current
        return Contexts(current=current, contexts={**self.contexts, name: context})

    def name_of(self, url: str) -> str:
        """The name of the context that has this URL, or a new one after its host."""
        for name, context in self.contexts.items():
            if context.url == url:
                return name
        host = urlsplit(url).hostname or url
        return host if host not in self.contexts else urlsplit(url).netloc


def path(environ: Mapping[str, str], home: Path) -> Path:
    """Where the file is, or would be."""
    base = environ.get("XDG_CONFIG_HOME", "")
    # The specification wants relative paths ignored.
    return (Path(base) if base.startswith("/") else home / ".config") / NAME


def read(file: Path) -> Contexts:
    """What the file holds; nothing where there is none. Raises BadProfile."""
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return Contexts()
    except (OSError, UnicodeError) as error:
        raise BadProfile(f"cannot read {file}: {error}") from error
    import tomllib  # noqa: PLC0415 - 10 ms that users without a file need not wait

    try:
        return msgspec.convert(tomllib.loads(text), Contexts)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise BadProfile(f"{file} is not as it should be: {error}") from error


def write(file: Path, contexts: Contexts) -> None:
    """Put the file in place, whole and with mode 0600. Raises BadProfile."""
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=file.parent, prefix=".config-")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as handle:
                handle.write(_toml(contexts))
            Path(temporary).replace(file)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise BadProfile(f"cannot write {file}: {error.strerror or error}") from error


def _toml(contexts: Contexts) -> str:
    lines = [f"current = {_string(contexts.current)}"] if contexts.current else []
    for name, context in contexts.contexts.items():
        lines += ["", f"[contexts.{_string(name)}]"]
        lines += [f"{key} = {_value(it)}" for key, it in msgspec.to_builtins(context).items()]
    return "\n".join(lines).lstrip("\n") + "\n"


def _value(value: str | bool) -> str:  # noqa: FBT001 - a field of a context, whatever it is
    return _string(value) if isinstance(value, str) else str(value).lower()


def _string(text: str) -> str:
    """A basic string of TOML: JSON's escapes are among its own, but for DEL."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
