"""Calls about the audit trail."""

from tokenhub.client.call import Call, query
from tokenhub.wire.audit import AuditPage, AuditVerified

AUDIT = "/admin/v1/audit"


def list_audit(
    *,
    limit: int | None = None,
    before: int | None = None,
    action: str = "",
    resource: str = "",
    actor: str = "",
    address: str = "",
    outcome: str = "",
    request_id: str = "",
    since: str = "",
    until: str = "",
) -> Call[AuditPage]:
    """Entries, newest first, of those that match. `before` is the `next` of the page before."""
    return Call(
        method="GET",
        path=AUDIT,
        query=query(
            limit=limit,
            before=before,
            action=action,
            resource=resource,
            actor=actor,
            address=address,
            outcome=outcome,
            request_id=request_id,
            since=since,
            until=until,
        ),
        returns=AuditPage,
    )


def verify_audit(*, row_id: int | None = None, digest: str = "") -> Call[AuditVerified]:
    """Whether the trail is whole; with a row's id and its hash, whether it still has that."""
    return Call(
        method="POST",
        path=f"{AUDIT}/verify",
        query=query(id=row_id, hash=digest),
        returns=AuditVerified,
        asks=True,
    )
