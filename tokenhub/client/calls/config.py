"""Calls about the configuration as one document."""

from collections.abc import Sequence

from tokenhub.client.call import Call, query
from tokenhub.wire.config import Applied, Document

CONFIG = "/admin/v1/config"


def apply_config(document: Document, *, prune: bool = False) -> Call[Applied]:
    """Make it so, all or nothing; `prune` removes what its sections do not name."""
    return Call(
        method="PUT",
        path=CONFIG,
        query=query(prune="true" if prune else ""),
        body=document,
        returns=Applied,
    )


def diff_config(document: Document, *, prune: bool = False) -> Call[Applied]:
    """What that would come to; nothing changes."""
    return Call(
        method="PUT",
        path=CONFIG,
        query=query(prune="true" if prune else "", dry_run="true"),
        body=document,
        returns=Applied,
        asks=True,
    )


def export_config(*, kinds: Sequence[str] = (), refs: str = "") -> Call[Document]:
    """The document of what there is; `refs` is `omit`, `env` or `vault`."""
    return Call(
        method="GET",
        path=f"{CONFIG}/export",
        query=query(kind=",".join(kinds), refs=refs),
        returns=Document,
    )
