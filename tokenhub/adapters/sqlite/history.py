"""What the catalog was at each version that a decision record names.

A row of the catalog is kept once for each of its contents, with the versions from which and until
which it was so; a version is all rows whose span it lies in. One change of one row adds one row
here, however large the catalog is.
"""

import sqlite3
from collections.abc import Collection, Iterator

import msgspec

from tokenhub.core.aliases import Alias
from tokenhub.core.catalog import Catalog, Defaults, Model, Provider
from tokenhub.core.errors import Unavailable
from tokenhub.ports.stores import CATALOG_DAMAGED

_KINDS: dict[str, type[Provider | Model | Alias | Defaults]] = {
    "provider": Provider,
    "model": Model,
    "alias": Alias,
    "defaults": Defaults,
}


def keep(conn: sqlite3.Connection, catalog: Catalog) -> None:
    """Note this version of the catalog. Call it in the transaction that made it."""
    now = dict(_rows(catalog))
    before = {
        (kind, key): content
        for kind, key, content in conn.execute(
            "SELECT kind, key, content FROM catalog_rows WHERE valid_to IS NULL"
        )
    }
    version = catalog.version
    ended = [(version, *name) for name, content in before.items() if now.get(name) != content]
    begun = [
        (*name, version, content) for name, content in now.items() if before.get(name) != content
    ]
    conn.executemany(
        "UPDATE catalog_rows SET valid_to = ? WHERE kind = ? AND key = ? AND valid_to IS NULL",
        ended,
    )
    conn.executemany(
        "INSERT INTO catalog_rows (kind, key, valid_from, content) VALUES (?, ?, ?, ?)", begun
    )
    conn.execute("INSERT INTO catalog_versions (version) VALUES (?)", (version,))


def kept(conn: sqlite3.Connection, version: int) -> bool:
    """Whether the catalog of this version can be told."""
    row = conn.execute("SELECT 1 FROM catalog_versions WHERE version = ?", (version,)).fetchone()
    return row is not None


def rebuilt(conn: sqlite3.Connection, version: int) -> Catalog | None:
    """The catalog as it was at this version; None where that is not kept.

    Raises Unavailable, code CATALOG_DAMAGED, where its rows cannot be read.
    """
    if not kept(conn, version):
        return None
    rows = conn.execute(
        "SELECT kind, content FROM catalog_rows "
        "WHERE valid_from <= ?1 AND (valid_to IS NULL OR valid_to > ?1) ORDER BY kind, key",
        (version,),
    )
    found: dict[str, list[object]] = {kind: [] for kind in _KINDS}
    for kind, content in rows:
        found[kind].append(_read(kind, content, version))
    defaults = found["defaults"]
    return Catalog.build(
        version=version,
        providers=[row for row in found["provider"] if isinstance(row, Provider)],
        models=[row for row in found["model"] if isinstance(row, Model)],
        aliases=[row for row in found["alias"] if isinstance(row, Alias)],
        defaults=next((row for row in defaults if isinstance(row, Defaults)), None),
    )


def prune(conn: sqlite3.Connection, named: Collection[int], *, below: int) -> int:
    """Forget the versions under `below` that are not `named`; returns how many."""
    useless = _useless(conn, named, below)
    conn.executemany("DELETE FROM catalog_versions WHERE version = ?", useless)
    conn.execute(
        "DELETE FROM catalog_rows WHERE valid_to IS NOT NULL AND NOT EXISTS ("
        "SELECT 1 FROM catalog_versions WHERE version >= valid_from AND version < valid_to)"
    )
    return len(useless)


def prunable(conn: sqlite3.Connection, named: Collection[int], *, below: int) -> bool:
    """Whether `prune` would find anything. Only reads."""
    return bool(_useless(conn, named, below))


def _useless(conn: sqlite3.Connection, named: Collection[int], below: int) -> list[tuple[int]]:
    versions = conn.execute("SELECT version FROM catalog_versions WHERE version < ?", (below,))
    return [(version,) for (version,) in versions if version not in named]


def _rows(catalog: Catalog) -> Iterator[tuple[tuple[str, str], str]]:
    """Every row of the catalog under its kind and key, as JSON. None of them holds a secret."""
    encode = msgspec.json.Encoder().encode
    for provider in catalog.providers.values():
        yield ("provider", provider.id), encode(provider).decode()
    for model in catalog.models.values():
        yield ("model", f"{model.provider_id}/{model.id}"), encode(model).decode()
    for alias in catalog.aliases.values():
        yield ("alias", alias.name), encode(alias).decode()
    yield ("defaults", ""), encode(catalog.defaults).decode()


def _read(kind: str, content: str, version: int) -> Provider | Model | Alias | Defaults:
    try:
        return msgspec.json.decode(content, type=_KINDS[kind])
    except msgspec.DecodeError as error:
        raise Unavailable(
            f"the kept catalog of version {version} holds a {kind} that cannot be read",
            code=CATALOG_DAMAGED,
        ) from error
