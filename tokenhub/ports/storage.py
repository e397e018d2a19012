"""How the disk under the stores is doing."""

import msgspec


class Storage(msgspec.Struct, frozen=True, kw_only=True):
    """`ledger` and `detail` say why each file cannot be written; empty where it can.

    While `ledger` says something, requests and changes are refused, and all can be read. `detail`
    is about decision records, which no request waits for. `warnings` are for the operator.
    """

    ledger: str = ""
    detail: str = ""
    warnings: tuple[str, ...] = ()

    @property
    def degraded(self) -> bool:
        return bool(self.ledger or self.detail)
