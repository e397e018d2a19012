"""Values as text for eyes, in both front ends; the words of strangers are made harmless."""

import re
import unicodedata
from datetime import UTC, datetime

# ECMA-48: control sequences (CSI), strings (OSC, DCS and kin) with their end, two-byte escapes.
_ESCAPES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"
    r"|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f]).*?(?:\x07|\x1b\\|\x9c|$)"
    r"|\x1b[ -/]*[0-~]?",
    re.DOTALL,
)
# Control characters, and those that turn the direction of the text around them.
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")

# The same but for tabs and the ends of lines.
_STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def clean(text: str) -> str:
    """The text on one line, without anything that would steer a terminal."""
    return _CONTROLS.sub("", re.sub(r"[\t\r\n]+", " ", _ESCAPES.sub("", text)))


def harmless(text: str) -> str:
    """The text with its lines and tabs, without anything that would steer a terminal."""
    return _STEERING.sub("", _ESCAPES.sub("", text))


def escaped(json: str) -> str:
    """The same JSON with its control characters as escapes; it means the same."""
    return _CONTROLS.sub(lambda found: f"\\u{ord(found[0]):04x}", json)


def cells(text: str) -> int:
    """Columns of a terminal that the text takes: East Asian wide two, combining marks none."""
    return len(text) if text.isascii() else sum(_width(char) for char in text)


def plain(value: object) -> str:
    """A value of no special kind; `-` for none."""
    if value is None or value == "":
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ",".join(map(str, value)) or "-"
    return str(value)


def usd(amount: float | None) -> str:
    """A price or a cost. Where four decimals would show nothing, as many as show two digits."""
    if amount is None:
        return "unknown"
    if amount == 0:
        return "free"
    fixed = f"${amount:.4f}"
    if float(fixed[1:]) != 0:
        return fixed
    return f"${amount:.12f}".rstrip("0")


def money(amount: float | None) -> str:
    """What was spent, or is held; `-` where nobody counts it."""
    if amount is None:
        return "-"
    return usd(amount) if amount else "$0"


def tokens(count: int) -> str:
    """A context size; 0 is unknown."""
    return str(count) if count else "-"


def milliseconds(duration_ms: float) -> str:
    """`123ms`, or `1.2s` from a second on."""
    if round(duration_ms) < 1000:  # noqa: PLR2004 - a second
        return f"{duration_ms:.0f}ms"
    return f"{duration_ms / 1000:.1f}s"


def timed(duration_ms: float | None) -> str:
    """The same; `-` where nothing was timed."""
    return "-" if duration_ms is None else milliseconds(duration_ms)


def seconds(duration_s: float) -> str:
    """`42s`, `5m 3s`, `2h 5m`, `3d 4h`."""
    whole = int(duration_s)
    for unit_s, unit, below_s, below in ((86400, "d", 3600, "h"), (3600, "h", 60, "m")):
        if whole >= unit_s:
            return f"{whole // unit_s}{unit} {whole % unit_s // below_s}{below}"
    return f"{whole // 60}m {whole % 60}s" if whole >= 60 else f"{whole}s"  # noqa: PLR2004 - s


def month_begun() -> str:
    """The first day of this month, in UTC, as budgets count."""
    return f"{datetime.now(UTC):%Y-%m}-01"  # noqa: TID251 - the reader's now


def local(timestamp: str | None) -> str:
    """An RFC 3339 time on this machine's clock, to the second; as it is where it is none."""
    try:
        return f"{datetime.fromisoformat(timestamp or '').astimezone():%Y-%m-%d %H:%M:%S}"
    except ValueError:
        return timestamp or "-"


def from_ms(unix_ms: float) -> str:
    """Unix milliseconds as the API writes times: RFC 3339 in UTC."""
    then = datetime.fromtimestamp(unix_ms / 1000, UTC)
    return then.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def ago(timestamp: str | None) -> str:
    """How long ago an RFC 3339 time is, `5m 3s ago`; ahead of us it is `in 2h 5m`."""
    try:
        then = datetime.fromisoformat(timestamp or "")
        passed_s = (datetime.now(UTC) - then).total_seconds()  # noqa: TID251 - the reader's now
    except (ValueError, TypeError):
        return timestamp or "-"
    return f"{seconds(passed_s)} ago" if passed_s >= 0 else f"in {seconds(-passed_s)}"


def iso(timestamp: str | None) -> str:
    """The time as the API gives it."""
    return timestamp or "-"


def unix(timestamp: str | None) -> str:
    """Seconds since 1970; as it is where it is no time."""
    try:
        return f"{datetime.fromisoformat(timestamp or '').timestamp():.3f}"
    except ValueError:
        return timestamp or "-"


# What a colour means, and the SGR codes for it: of the 16 that every terminal's theme knows.
TONES = {"head": "1", "good": "32", "warn": "33", "bad": "31", "dim": "2"}


def painted(text: str, tone: str) -> str:
    """The text in a colour of TONES; none for an empty tone."""
    return f"\x1b[{TONES[tone]}m{text}\x1b[0m" if tone and text.strip() else text


def of_flag(value: object) -> str:
    """The tone of what is on or off."""
    return "" if value else "dim"


def of_status(status: object) -> str:
    """The tone of an HTTP status."""
    if not isinstance(status, int):
        return ""
    return "bad" if status >= 500 else "warn" if status >= 400 else ""  # noqa: PLR2004 - RFC 9110


def of_state(state: object) -> str:
    """The tone of a state of health, of the vault, of a check."""
    return _STATES.get(str(state), "")


_STATES = {
    **dict.fromkeys(("healthy", "ok", "unlocked", "succeeded", "passed", "ready"), "good"),
    **dict.fromkeys(("degraded", "half-open", "partial", "locked", "warning"), "warn"),
    **dict.fromkeys(("down", "credential", "failed", "lost", "bad"), "bad"),
}


def _width(char: str) -> int:
    if unicodedata.combining(char) or unicodedata.category(char) in {"Cf", "Mn", "Me"}:
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1
