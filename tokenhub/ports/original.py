"""A database of the original (original-behaviour 7), as far as an import takes it.

SQLite keeps a column's values as they were written, whatever its type, and older files of the
original miss columns. So rows come as they are, and each is read on its own (`admin.original`).
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

import msgspec

# A row by its columns. A column that the file does not have, or that is NULL, is not in it.
Row = Mapping[str, object]


class Sealed(msgspec.Struct, frozen=True, kw_only=True):
    """The vault as it lies in the file: nonce, ciphertext and tag by name, each in base64."""

    salt: bytes
    entries: Mapping[str, str]

    def __repr__(self) -> str:
        return f"Sealed({len(self.entries)} entries)"


class Content(msgspec.Struct, frozen=True, kw_only=True):
    """All but the request log. `left` counts the rows of tables that no import takes."""

    providers: Sequence[Row] = ()
    models: Sequence[Row] = ()
    aliases: Sequence[Row] = ()
    keys: Sequence[Row] = ()
    defaults: Row | None = None
    vault: Sealed | None = None
    vault_fault: str = ""
    left: Mapping[str, int] = {}


class Original(Protocol):
    """Only read, so that the original may be running. Its methods block."""

    def content(self) -> Content:
        """What is there at one moment. Raises BadRequest."""
        ...

    def requests(self, after: int, limit: int) -> Sequence[Row]:
        """Rows of the request log with an id above `after`, in the order of their ids.

        Raises BadRequest.
        """
        ...

    def counted(self, last: int) -> int:
        """How many rows of the request log have an id up to `last`. Raises BadRequest."""
        ...


class Opened(msgspec.Struct, frozen=True, kw_only=True):
    """The vault's secrets by name, and the names that the password did not open."""

    secrets: Mapping[str, str]
    refused: Sequence[str] = ()

    def __repr__(self) -> str:
        return f"Opened({len(self.secrets)} secrets, {len(self.refused)} refused)"
