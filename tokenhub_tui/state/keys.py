"""API keys as rows, and what is said of the one under the cursor. Times are Unix seconds."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

import msgspec

from tokenhub.client.text import local, milliseconds, usd
from tokenhub.filters import Field, Fields
from tokenhub.wire.keys import ApiKey, ApiKeyIssued
from tokenhub_tui.state.cells import Cell, Column, Row
from tokenhub_tui.state.feed import unix
from tokenhub_tui.state.spans import ago, ahead, short

BAR = 8
# From these parts of a budget on it is told with another tone; events are told from 80 % on.
_NEAR, _SPENT = 0.8, 1.0
_DAY_S = 86_400
_SOON_S = 7 * _DAY_S

COLUMNS = (
    Column(id="name", title="name", width=18, most=32),
    Column(id="state", title="state", width=9),
    Column(id="prefix", title="prefix", width=20, rank=7),
    Column(id="scopes", title="scopes", width=9, rank=3),
    Column(id="budget", title="month", width=BAR, rank=2),
    Column(id="spent", title="spent/of", width=11, most=14, right=True),
    Column(id="rotation", title="rotation", width=9, most=12),
    Column(id="used", title="used", width=6, right=True),
    Column(id="expires", title="expires", width=7, right=True, rank=4),
    Column(id="created", title="age", width=6, right=True, rank=6),
    Column(id="rps", title="rps", width=7, right=True, rank=8),
    Column(id="tpm", title="tok/min", width=8, right=True, rank=9),
)
FIELDS: Fields = {
    "name": Field(("name",)),
    "id": Field(("id",)),
    "prefix": Field(("key_prefix",)),
    "scope": Field(("scopes",)),
    "state": Field(("state",)),
    "model": Field(("allowed_models",)),
    "provider": Field(("allowed_providers",)),
    "mode": Field(("mode",)),
    "rotation": Field(("rotation",)),
    "on": Field(("enabled",), "flag"),
    "budget": Field(("monthly_budget_usd",), "money", 10**9),
    "spent": Field(("current_spend_usd",), "money", 10**9),
}


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a key opens anything, in a word with its mark and tone; and why, in a sentence."""

    mark: str
    word: str
    tone: str
    why: str


def standing(key: ApiKey, now: float) -> Standing:
    """The first thing that keeps it from opening anything, or that soon will."""
    left_s = ahead(key.expires_at, now)
    if not key.enabled:
        return Standing(mark="·", word="off", tone="dim", why="It is off: x lets it open again.")
    if left_s is not None and left_s <= 0:
        return Standing(
            mark="✗", word="expired", tone="bad", why="It has expired and opens nothing."
        )
    if key.rotation == "overdue":
        why = "Its credential is older than it may be and opens nothing: o gives it another."
        return Standing(mark="✗", word="overdue", tone="bad", why=why)
    if share(key) >= _SPENT:
        why = "Its month is spent: m begins it anew, e gives it a larger budget."
        return Standing(mark="✗", word="spent", tone="bad", why=why)
    if key.rotation == "due":
        why = "Its credential has to be rotated soon: o."
        return Standing(mark="!", word="rotate", tone="warn", why=why)
    return Standing(mark="✓", word="on", tone="good", why="")


def share(key: ApiKey) -> float:
    """The part of its monthly budget that is spent; 0 without one."""
    if not key.monthly_budget_usd:
        return 0.0
    return (key.current_spend_usd or 0.0) / key.monthly_budget_usd


def row(key: ApiKey, now: float) -> Row:
    """A key as a row."""
    state = standing(key, now)
    part = share(key)
    return Row(
        id=key.id,
        tone="" if key.enabled else "dim",
        cells=(
            Cell(key.name, "head" if key.enabled else "dim"),
            Cell(f"{state.mark} {state.word}", state.tone),
            key.key_prefix,
            _scopes(key.scopes),
            Cell(_bar(part) if key.monthly_budget_usd else "", _tone(part)),
            _money(key),
            Cell(rotation(key, now), _ROTATION_TONES.get(key.rotation, "dim")),
            ago(key.last_used_at, now),
            _expires(key, now),
            ago(key.created_at, now),
            {0: "default", -1: "any"}.get(key.rate_limit_rps, str(key.rate_limit_rps)),
            _thousands(key.tokens_per_minute) if key.tokens_per_minute else "any",
        ),
    )


def _scopes(scopes: Sequence[str]) -> str | Cell:
    """As many as nine cells hold; the rest is counted, and told below."""
    if not scopes:
        return Cell("none", "warn")
    told = ",".join(scopes)
    return told if len(told) <= 9 else f"{scopes[0][:6]} +{len(scopes) - 1}"  # noqa: PLR2004


_ROTATION_TONES = {"fresh": "", "due": "warn", "overdue": "bad"}


def _tone(part: float) -> str:
    return "bad" if part >= _SPENT else "warn" if part >= _NEAR else "good"


def _bar(part: float) -> str:
    full = min(BAR, round(part * BAR))
    # Anything spent is seen, and only what is all spent fills it.
    full = max(full, 1) if part > 0 else 0
    full = min(full, BAR - 1) if part < _SPENT else full
    return "█" * full + "░" * (BAR - full)


def _money(key: ApiKey) -> str | Cell:
    if not key.monthly_budget_usd:
        return Cell("no limit", "dim")
    return f"{_dollars(key.current_spend_usd or 0.0)}/{_dollars(key.monthly_budget_usd)}"


def _dollars(amount: float) -> str:
    if 0 < amount < 0.01:  # noqa: PLR2004 - a cent
        return "<1¢"
    if amount >= 1000:  # noqa: PLR2004 - four digits
        return f"${amount / 1000:.1f}k".replace(".0k", "k")
    whole = amount == int(amount) or amount >= 100  # noqa: PLR2004 - cents do not count any more
    return f"${amount:.0f}" if whole else f"${amount:.2f}"


def rotation(key: ApiKey, now: float) -> str:
    """How old its credential is, and how old it may be; `!` where that is soon or over."""
    if not key.rotation_days:
        return "-"
    issued = key.credentials[0].issued_at if key.credentials else key.created_at
    age_days = int(max(0.0, now - unix(issued)) // _DAY_S)
    mark = " !" if key.rotation in {"due", "overdue"} else ""
    return f"{age_days}/{key.rotation_days}d{mark}"


def _expires(key: ApiKey, now: float) -> str | Cell:
    left_s = ahead(key.expires_at, now)
    if left_s is None:
        return Cell("never", "dim")
    if left_s <= 0:
        return Cell("over", "bad")
    return Cell(short(left_s), "warn" if left_s < _SOON_S else "")


def _thousands(count: int) -> str:
    return f"{count // 1000}k" if count >= 10_000 else str(count)  # noqa: PLR2004 - five digits


# --- Which, and in which order ---

Order = Callable[[ApiKey], tuple[int, float | str]]


def _last(timestamp: str | None) -> tuple[int, float]:
    return (1, 0.0) if timestamp is None else (0, -unix(timestamp))


# First is what one looks for: the newest, the last used, the most spent, the next to end.
ORDERS: Mapping[str, Order] = MappingProxyType(
    {
        "created": lambda key: (0, -unix(key.created_at)),
        "name": lambda key: (0, key.name.lower()),
        "budget": lambda key: (0, -share(key)),
        "used": lambda key: _last(key.last_used_at),
        "expires": lambda key: (key.expires_at is None, unix(key.expires_at or "")),
        "rotation": lambda key: (key.rotation_due_at is None, unix(key.rotation_due_at or "")),
    }
)


def rows(
    keys: Sequence[ApiKey],
    *,
    now: float,
    order: str,
    turned: bool,
    wanted: Callable[[Mapping[str, object]], bool],
) -> list[Row]:
    """Those that are wanted, in their order; `turned` is the other way round."""
    meant = [key for key in keys if wanted(fields_of(key, now))]
    return [row(key, now) for key in sorted(meant, key=ORDERS[order], reverse=turned)]


def fields_of(key: ApiKey, now: float) -> dict[str, object]:
    """A key as the filter grammar reads rows."""
    lists = {
        "scopes": ",".join(key.scopes),
        "allowed_models": ",".join(key.allowed_models),
        "allowed_providers": ",".join(key.allowed_providers),
    }
    return msgspec.structs.asdict(key) | lists | {"state": standing(key, now).word}


def known(keys: Sequence[ApiKey], now: float) -> dict[str, list[str]]:
    """Values of the fields of a filter that there are."""
    found: dict[str, set[str]] = {
        "name": {key.name for key in keys},
        "scope": {scope for key in keys for scope in key.scopes},
        "state": {standing(key, now).word for key in keys},
        "rotation": {key.rotation for key in keys},
        "model": {name for key in keys for name in key.allowed_models},
        "provider": {name for key in keys for name in key.allowed_providers},
        "mode": {key.mode for key in keys if key.mode},
    }
    return {name: sorted(values) for name, values in found.items()}


def counted(shown: int, there: int) -> str:
    """How many there are, in a few words."""
    keys = "1 key" if there == 1 else f"{there} keys"
    return keys if shown == there else f"{shown} of {keys}"


# --- One of them ---


def facts(key: ApiKey, now: float) -> list[tuple[str, str]]:
    """What is known of a key, in lines with their tones."""
    state = standing(key, now)
    lines = [(f"{state.mark} {state.why}", state.tone)] if state.why else []
    judged = "" if key.judged else " · answers are not judged"
    told = "obeyed" if key.directives else "not obeyed"
    return [
        *lines,
        (f"May {_may(key)}", ""),
        (f"Limits: {_limits(key)}", ""),
        (f"Routing: {_policy(key)} · @@tokenhub {told}{judged}", "dim"),
        (_dates(key, now), "dim"),
    ]


def _may(key: ApiKey) -> str:
    what = {"*": "everything"}
    scopes = ", ".join(what.get(one, one) for one in key.scopes) or "nothing"
    models = ", ".join(key.allowed_models) or "all models"
    providers = ", ".join(key.allowed_providers) or "all providers"
    return f"{scopes} · {models} · {providers}"


def _limits(key: ApiKey) -> str:
    parts = [
        {0: "as many requests as one address may send", -1: "any number of requests"}.get(
            key.rate_limit_rps, f"{key.rate_limit_rps}/s"
        )
    ]
    if key.tokens_per_minute:
        parts.append(f"{key.tokens_per_minute:,} tokens/min")
    if key.concurrency:
        parts.append(f"{key.concurrency} at once")
    if key.monthly_budget_usd:
        since = f"since {key.budget_reset_at[:10]}" if key.budget_reset_at else "this month"
        spent, most = _dollars(key.current_spend_usd or 0.0), _dollars(key.monthly_budget_usd)
        parts.append(f"{spent} of {most} {since}")
    return " · ".join(parts)


def _policy(key: ApiKey) -> str:
    parts = [f"mode {key.mode}"] if key.mode else []
    if key.max_budget_usd is not None:
        parts.append(f"${key.max_budget_usd:g} a request")
    if key.max_latency_ms is not None:
        parts.append(f"within {milliseconds(key.max_latency_ms)}")
    if key.min_weight is not None:
        parts.append(f"weight {key.min_weight} at least")
    return ", ".join(parts) or "the server's defaults"


def _dates(key: ApiKey, now: float) -> str:
    parts = [f"{key.id} made {local(key.created_at)[:10]}"]
    left_s = ahead(key.expires_at, now)
    if left_s is not None:
        parts.append(f"expires in {short(left_s)}" if left_s > 0 else "expired")
    left_s = ahead(key.rotation_due_at, now)
    if left_s is not None:
        parts.append(f"rotate within {short(left_s)}" if left_s > 0 else "rotation is due")
    return " · ".join(parts)


CREDENTIALS = (
    Column(id="prefix", title="credential", width=14, most=24),
    Column(id="issued", title="issued", width=10),
    Column(id="used", title="last used", width=9, right=True),
    Column(id="until", title="opens until", width=20, most=30),
)


def credentials(key: ApiKey, now: float) -> list[Row]:
    """What opens the key, the latest first."""
    return [
        Row(
            id=one.prefix,
            cells=(
                one.prefix,
                local(one.issued_at)[:10],
                ago(one.last_used_at, now),
                _until(one.expires_at, now, former=place > 0),
            ),
        )
        for place, one in enumerate(key.credentials)
    ]


def _until(expires_at: str | None, now: float, *, former: bool) -> Cell:
    left_s = ahead(expires_at, now)
    if left_s is None:
        return Cell("it is rotated")
    return Cell(f"{short(left_s)} from now" if left_s > 0 else "over", "warn" if former else "")


# --- What changes come to ---


def effect_of_delete(key: ApiKey, now: float) -> str:
    """What deleting a key comes to."""
    used = f"last used {ago(key.last_used_at, now)} ago" if key.last_used_at else "never used"
    spent = f", {usd(key.current_spend_usd)} spent this month" if key.current_spend_usd else ""
    return (
        f"Delete the key {key.name}?\nWhoever uses it is refused at once, and for good. "
        f"It was {used}{spent}."
    )


def effect_of_paid(key: ApiKey) -> str:
    """What beginning its month anew comes to."""
    spent = usd(key.current_spend_usd) if key.current_spend_usd else "nothing"
    return (
        f"Begin the month of {key.name} anew?\nIt has spent {spent}, which does not count any "
        f"more: it may spend ${key.monthly_budget_usd:g} until the month ends."
    )


def after_rotation(issued: ApiKeyIssued, now: float) -> str:
    """What becomes of the credential before."""
    left_s = ahead(issued.former_until, now)
    if left_s is None:
        return "The former one opens nothing any more."
    return f"The former one opens the key for {short(left_s)} yet: replace it until then."
