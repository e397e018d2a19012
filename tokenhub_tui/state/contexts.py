"""The servers that a user has named, as a list: where each is, and how it is doing."""

from collections.abc import Mapping

import msgspec

from tokenhub.client.contexts import Contexts
from tokenhub.wire.catalog import Info
from tokenhub_tui.state.cells import Cell, Column, Row

COLUMNS = (
    Column(id="here", title="", width=1),
    Column(id="name", title="context", width=8, most=24),
    Column(id="state", title="state", width=12, most=22),
    Column(id="version", title="version", width=7, most=10, rank=2),
    Column(id="mode", title="", width=9, rank=1),
    Column(id="url", title="url", width=12, most=60),
)


class Looked(msgspec.Struct, frozen=True, kw_only=True):
    """What came of asking a server how it is: `info`, or why there is none."""

    info: Info | None = None
    why: str = ""


def rows(known: Contexts, looked: Mapping[str, Looked], here: str) -> list[Row]:
    """A row for each; `here` is the name of the one that is shown."""
    found = []
    for name, context in known.contexts.items():
        seen = looked.get(name)
        info = seen.info if seen is not None else None
        found.append(
            Row(
                id=name,
                cells=(
                    Cell("●" if name == here else "", "good"),
                    name,
                    _state(seen),
                    info.version if info is not None else "",
                    Cell("read-only" if context.read_only else "", "warn"),
                    Cell(context.url, "dim"),
                ),
            )
        )
    return found


def _state(seen: Looked | None) -> Cell:
    if seen is None:
        return Cell("asking …", "dim")
    if seen.info is None:
        return Cell(f"✗ {seen.why}", "bad")
    if seen.info.vault_locked:
        return Cell("! vault locked", "warn")
    if seen.info.storage != "ok":
        return Cell(f"! storage {seen.info.storage}", "warn")
    return Cell("✓ answers", "good")
