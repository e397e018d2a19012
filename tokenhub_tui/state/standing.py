"""How the connection to the server stands, as its bar says it. Times are Unix seconds."""

import msgspec

CONNECTING, LIVE, RETRYING, OFFLINE, REFUSED = (
    "connecting", "live", "retrying", "offline", "refused",
)  # fmt: skip
# After so long it is no hiccup any more, and the clock of the loss counts for more than the tries.
OFFLINE_AFTER_S = 10.0


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """`since` is when this state began; of a loss, when it was noticed.

    `next_at` is when the server is asked again, 0 where it is being asked. `missed` is how many
    events are known to be lost to this console, and `gaps` how often some were.
    """

    state: str = CONNECTING
    since: float = 0.0
    tries: int = 0
    next_at: float = 0.0
    reason: str = ""
    missed: int = 0
    gaps: int = 0

    def live(self, now: float) -> "Standing":
        """The same with a stream that flows."""
        if self.state == LIVE:
            return self
        return msgspec.structs.replace(self, state=LIVE, since=now, tries=0, next_at=0.0, reason="")

    def lost(self, reason: str, wait_s: float, now: float) -> "Standing":
        """The same without a stream, which is asked for again in so many seconds."""
        lost_since = self.since if self.state in {RETRYING, OFFLINE} else now
        state = OFFLINE if now - lost_since >= OFFLINE_AFTER_S else RETRYING
        return msgspec.structs.replace(
            self, state=state, since=lost_since, tries=self.tries + 1,
            next_at=now + wait_s, reason=reason,
        )  # fmt: skip

    def refused(self, reason: str, now: float) -> "Standing":
        """The same where the server wants another token."""
        return msgspec.structs.replace(self, state=REFUSED, since=now, next_at=0.0, reason=reason)

    def gap(self, missed: int) -> "Standing":
        """The same with a gap of so many events; 0 where nobody knows how many."""
        return msgspec.structs.replace(self, missed=self.missed + missed, gaps=self.gaps + 1)


def told(standing: Standing, per_s: float, now: float) -> tuple[str, str]:
    """The standing in a few words, and their tone."""
    if standing.state == LIVE:
        return f"● live {rate(per_s)}", "good"
    if standing.state == RETRYING:
        wait_s = max(0, round(standing.next_at - now))
        return f"◐ retry {standing.tries} in {wait_s} s", "warn"
    if standing.state == OFFLINE:
        return f"○ offline {clock(now - standing.since)}", "bad"
    if standing.state == REFUSED:
        return "✗ token refused", "bad"
    return "◌ connecting", "dim"


def lost(standing: Standing) -> str:
    """What this console has missed, in two words; empty where that is nothing."""
    if not standing.gaps:
        return ""
    return f"{standing.missed} missed" if standing.missed else "some missed"


def old(standing: Standing, now: float) -> bool:
    """Whether what is shown is of before: nobody has told of changes for too long."""
    lost_for_s = now - standing.since
    return standing.state == OFFLINE or (
        standing.state in {RETRYING, REFUSED} and lost_for_s >= OFFLINE_AFTER_S
    )


def rate(per_s: float) -> str:
    """Requests a second, or a minute where they are few."""
    if per_s >= 1 or per_s == 0:
        return f"{per_s:.0f}/s"
    return f"{per_s * 60:.0f}/min"


def clock(duration_s: float) -> str:
    """`02:10`, and `1:02:10` from an hour on."""
    whole = max(0, int(duration_s))
    hours, minutes, seconds = whole // 3600, whole // 60 % 60, whole % 60
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes:02}:{seconds:02}"
