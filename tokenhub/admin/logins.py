"""Who came in, and who was turned away, as rows of the audit trail.

Every request to the admin API shows a token, and anybody may send floods of bad ones. So:

- who comes in is written down with the first request of a day from an address;
- who is turned away is written down at once, and who goes on with it is counted: one more row a
  minute for each address, with the number of tries.

A bad try takes no more room here for being tried from many addresses: beyond PEERS in a minute
they are counted together.
"""

import logging
from asyncio import Future

import msgspec

from tokenhub.ports.audit import AuditTrail
from tokenhub.ports.clock import Clock
from tokenhub.ports.stores import DONE, REFUSED, Audit

# A minute: long enough that a flood is a few rows, short enough to be seen while it lasts.
FLOOD_S = 60.0
DAY_S = 86_400.0
PEERS = 256
# Addresses from which somebody came in; beyond them, the day begins anew for all.
KNOWN = 4_096
OTHERS = "others"

_log = logging.getLogger(__name__)


class Visit(msgspec.Struct, frozen=True, kw_only=True):
    """One request at the door. `action` says which door, `why` the code of a refusal."""

    action: str
    resource: str
    actor: str
    address: str
    request_id: str
    why: str = ""


class _Flood(msgspec.Struct):
    """The further tries of one address, since the first of this minute was written."""

    last: Visit
    times: int = 0


class Logins:
    """Writes visits into the trail without keeping anybody waiting.

    `peer` of `refused` is what counts an address: IPv6 comes in networks.
    """

    def __init__(self, *, trail: AuditTrail, clock: Clock) -> None:
        self._trail = trail
        self._clock = clock
        self._came_in: set[tuple[str, str]] = set()
        self._day = -1
        self._floods: dict[tuple[str, str], _Flood] = {}

    def accepted(self, visit: Visit) -> None:
        """Somebody has shown a good token."""
        day = int(self._clock.now() // DAY_S)
        if day != self._day or len(self._came_in) >= KNOWN:
            self._day = day
            self._came_in.clear()
        who = (visit.actor, visit.address)
        if who in self._came_in:
            return
        self._came_in.add(who)
        self._write(visit, DONE, 1)

    def refused(self, visit: Visit, *, peer: str) -> None:
        """Somebody was turned away."""
        name = (visit.action, peer)
        flood = self._floods.get(name)
        if flood is None and len(self._floods) >= PEERS:
            name = (visit.action, OTHERS)
            flood = self._floods.get(name)
            visit = msgspec.structs.replace(visit, address=OTHERS)
        if flood is None:
            self._floods[name] = _Flood(visit)
            self._write(visit, REFUSED, 1)
            return
        flood.last = visit
        flood.times += 1

    def flush(self) -> None:
        """Write what was counted. From here on, everybody's next bad try is the first again."""
        floods, self._floods = self._floods, {}
        for flood in floods.values():
            if flood.times:
                self._write(flood.last, REFUSED, flood.times)

    async def run(self) -> None:
        """Flush once a minute until cancelled."""
        while True:
            await self._clock.sleep(FLOOD_S)
            self.flush()

    def _write(self, visit: Visit, outcome: str, times: int) -> None:
        audit = Audit(
            action=visit.action,
            resource=visit.resource,
            actor=visit.actor,
            at=self._clock.now(),
            request_id=visit.request_id,
            detail=msgspec.json.encode({"why": visit.why}).decode() if visit.why else "",
            address=visit.address,
            outcome=outcome,
            times=times,
        )
        self._trail.record(audit).add_done_callback(lambda done: _heard(done, audit))


def _heard(written: "Future[int]", audit: Audit) -> None:
    """Nobody waits for it; where the trail cannot take it, the log has it."""
    if not written.cancelled() and (error := written.exception()) is not None:
        _log.error(
            "audit_not_written",
            extra={
                "action": audit.action,
                "address": audit.address,
                "outcome": audit.outcome,
                "count": audit.times,
                "reason": str(error),
            },
        )
