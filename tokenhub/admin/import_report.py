"""What an import came to."""

from collections.abc import Sequence

import msgspec

KINDS = ("provider", "model", "alias", "defaults", "key", "secret", "request")


class Count(msgspec.Struct, kw_only=True):
    """Rows of one kind: `taken` now, `before` by an earlier import, `skipped` for a reason."""

    found: int = 0
    taken: int = 0
    before: int = 0
    skipped: int = 0


class Remark(msgspec.Struct, frozen=True, kw_only=True):
    """What an operator should know of a row; of `rows` of them, where a log has many."""

    kind: str
    name: str
    why: str
    rows: int = 1


class ImportedKey(msgspec.Struct, frozen=True, kw_only=True):
    """How a key that was taken now is called here, and how it begins."""

    id: str
    name: str
    prefix: str


class Report(msgspec.Struct, kw_only=True):
    """`differs` are rows that were taken and are not quite the same here.

    `cost_nusd` is what the requests cost that were taken now, `unpriced` how many of them have no
    known cost. `left` counts the rows of tables that no import takes.
    """

    dry_run: bool = False
    counts: dict[str, Count] = msgspec.field(
        default_factory=lambda: {kind: Count() for kind in KINDS}
    )
    skipped: list[Remark] = []
    differs: list[Remark] = []
    keys: list[ImportedKey] = []
    cost_nusd: int = 0
    unpriced: int = 0
    left: dict[str, int] = {}

    def skip(self, kind: str, name: str, why: str, *, rows: int = 1) -> None:
        self.counts[kind].skipped += rows
        self.skipped.append(Remark(kind=kind, name=name, why=why, rows=rows))

    def differ(self, kind: str, name: str, told: Sequence[str]) -> None:
        self.differs += [Remark(kind=kind, name=name, why=why) for why in told]
