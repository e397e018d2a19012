"""The audit trail as operators see it.

Times are RFC 3339 in UTC with milliseconds.
"""

import msgspec


class AuditEntry(msgspec.Struct, kw_only=True):
    """One change, or one visit at the door.

    `outcome` is `ok` or `refused`; `times` is how often the same happened. `before` and `after`
    are what a change found and left, null where there was nothing; `why` is the code of a refusal.
    `detail` is the same as the original had it, JSON in a string. `hash` is over this row and the
    hash of the row before it.
    """

    id: int
    timestamp: str
    action: str
    resource: str
    actor: str
    address: str
    outcome: str
    times: int
    request_id: str
    detail: str
    before: msgspec.Raw = msgspec.Raw(b"null")
    after: msgspec.Raw = msgspec.Raw(b"null")
    why: str = ""
    hash: str


class AuditPage(msgspec.Struct, kw_only=True):
    """Newest first. `next` is the cursor of the following page, null at the end."""

    logs: list[AuditEntry]
    total: int
    limit: int
    offset: int
    next: str | None


class AuditBroken(msgspec.Struct, kw_only=True):
    """The first row at which the chain does not hold, and why."""

    id: int
    reason: str


class AuditVerified(msgspec.Struct, kw_only=True):
    """What became of a verification: `rows` good ones, of which the last is `last_id`.

    Noted elsewhere, `last_id` and `last_hash` prove to a later verification that nobody has
    written the chain anew.
    """

    ok: bool
    rows: int
    last_id: int
    last_hash: str
    broken: AuditBroken | None
