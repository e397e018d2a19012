"""Every TOKENHUB_* variable, once: its name, kind, default and meaning.

`load` is pure. It finds all problems at once, so that an operator corrects them in one round.
`docs/reference/settings.md` and `.env.example` are written from the table below.
"""

import difflib
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import unquote, urlsplit

import msgspec

from tokenhub.core import admin_token
from tokenhub.core.addresses import Network, networks
from tokenhub.core.catalog import MAX_BUDGET_NUSD, MAX_LATENCY_S, MODES
from tokenhub.core.destinations import Destinations, destinations
from tokenhub.core.errors import TokenHubError
from tokenhub.core.money import NANO
from tokenhub.core.redaction import without_secrets

MAX_PORT = 65_535
# A name (RFC 1123, and underscores as containers have them), an IPv4 or an IPv6 address.
_HOST = re.compile(r"[a-z0-9_]([a-z0-9._-]{0,252})|\[?[0-9a-f:]*:[0-9a-f:.]+\]?")
# What the environment of a process cannot hold, and no value needs.
_CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")
MASK = "********"


class Address(msgspec.Struct, frozen=True):
    """Where to listen. An empty host is every interface, of IPv4 and IPv6."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def local_host(self) -> str:
        """The host by which a client on this machine reaches it."""
        everywhere = self.host in {"", "0.0.0.0", "::"}  # noqa: S104  # compared, not listened on
        return "localhost" if everywhere else self.host

    @property
    def local_url(self) -> str:
        """Its URL for a client on this machine."""
        return f"http://{Address(self.local_host, self.port)}"


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """The values in force. Empty text stands for "not given"; seconds are floats.

    `default_max_budget_nusd` is nano-USD, None for no limit. A rate of 0 is no limit, and a
    heartbeat of 0 is none. `hedge_after_s` is the shortest delay of a second request, 0 for any,
    and None where there is to be none.
    """

    listen_addr: Address
    log_level: str
    access_log: bool
    db_dsn: Path
    admin_token: str
    credentials_file: Path
    default_mode: str
    default_max_budget_nusd: int | None
    default_max_latency_s: float
    provider_timeout_s: float
    shutdown_drain_s: float
    vault_enabled: bool
    vault_password: str
    vault_key_file: Path | None
    vault_idle_lock_s: float
    vault_max_unlock_s: float
    idempotency_body: str
    allow_core_dumps: bool
    exploration_temp: float
    hedge_after_s: float | None
    max_hedged_providers: int
    hedge_max_extra_percent: int
    cors_origins: tuple[str, ...]
    allowed_hosts: tuple[str, ...]
    metrics_public: bool
    models_public: bool
    rate_limit_rps: int
    rate_limit_burst: int
    admin_rate_limit_rps: int
    admin_rate_limit_burst: int
    trusted_proxies: tuple[Network, ...]
    allowed_private_hosts: Destinations
    max_requests_in_flight: int
    overload_lag_s: float
    strict_params: bool
    heartbeat_s: float
    health_probe_disabled: bool
    health_probe_interval_s: float
    health_probe_timeout_s: float
    decision_retention_days: int
    log_retention_days: int
    feedback_days: int
    feedback_comments: bool
    feedback_signs: bool
    judge_model: str
    judge_share: float
    judge_daily_budget_nusd: int
    backup_dir: Path | None
    backup_interval_s: float
    backup_keep: int
    pricing_refresh_enabled: bool
    pricing_refresh_interval_s: float
    temporal_enabled: bool
    temporal_host: str
    temporal_namespace: str
    temporal_task_queue: str
    otel_enabled: bool
    otel_endpoint: str
    otel_service_name: str
    otel_sample_ratio: float
    otel_propagate_to: tuple[str, ...]

    secret: ClassVar[frozenset[str]] = frozenset({"admin_token", "vault_password"})

    def __repr__(self) -> str:
        return f"Settings({', '.join(f'{name}={text}' for name, text in self.shown())})"

    def shown(self) -> Iterator[tuple[str, str]]:
        """Each field with its value as text; a secret that is set shows as asterisks.

        So does a password in an address.
        """
        for name in self.__struct_fields__:
            value = getattr(self, name)
            yield name, MASK if name in self.secret and value else without_secrets(str(value))

    @property
    def hedges(self) -> bool:
        """Whether a second request may go out for a slow one."""
        return self.hedge_after_s is not None and self.max_hedged_providers > 1

    @property
    def data_dir(self) -> Path:
        """Where the database and the admin token live."""
        return self.db_dsn.parent

    @property
    def admin_token_file(self) -> Path:
        """Where the admin token lies that the server made itself."""
        return self.data_dir / admin_token.FILE


class SettingsRefused(TokenHubError):
    """Values that cannot be used. `problems` has a sentence for each."""

    code = "invalid_settings"

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


class Kind(msgspec.Struct, frozen=True):
    """A way to read a text. `read` raises ValueError with what is wrong with it.

    `write` is the way back: the text of a value as an operator would give it.
    """

    label: str
    allowed: str
    read: Callable[[str], Any]
    write: Callable[[Any], str] = str


class Setting(msgspec.Struct, frozen=True):
    """One variable; `key` is its name without the prefix. Positional, so that the table is one.

    `default` is text as in the environment; `default_shown` replaces it in print where it
    depends on the machine. `effective` is whether it does something already, and `restart`
    whether a change waits for the next start.
    """

    key: str
    kind: Kind
    default: str
    help: str
    default_shown: str = ""
    effective: bool = False
    restart: bool = False

    @property
    def name(self) -> str:
        return f"TOKENHUB_{self.key}"

    @property
    def field(self) -> str:
        """Its field in `Settings`, which has the unit that is used inside."""
        stem, _, unit = self.key.lower().rpartition("_")
        inside = {"usd": "nusd", "ms": "s", "secs": "s"}.get(unit, unit)
        return f"{stem}_{inside}"

    @property
    def secret(self) -> bool:
        return self.field in Settings.secret


def load(env: Mapping[str, str], *, home: Path, data_writable: bool) -> Settings:
    """The settings that an environment asks for. An empty variable counts as not set.

    `data_writable` is whether `/data` can be written to; it decides where the database lies
    when TOKENHUB_DB_DSN says nothing. Raises SettingsRefused.
    """
    values: dict[str, Any] = {}
    problems: list[str] = []
    for setting in SETTINGS:
        text = env.get(setting.name, "").strip() or setting.default
        if not text and setting.name == "TOKENHUB_DB_DSN":
            text = "/data/tokenhub.sqlite" if data_writable else "~/.tokenhub/tokenhub.sqlite"
        try:
            values[setting.field] = _at_home(setting.kind.read(text), home)
        except ValueError as error:
            problems.append(f"{setting.name}: {error}; allowed: {setting.kind.allowed}")
    if problems:
        raise SettingsRefused(tuple(problems))
    return Settings(**values)


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """A setting that is not what it was, as an operator writes it; secrets are asterisks."""

    name: str
    before: str
    after: str
    restart: bool


def changed(old: Settings, new: Settings) -> tuple[Change, ...]:
    """What a reload changes, in the order of the table."""
    return tuple(
        Change(
            name=setting.name,
            before=_written(setting, old),
            after=_written(setting, new),
            restart=setting.restart,
        )
        for setting in SETTINGS
        if getattr(old, setting.field) != getattr(new, setting.field)
    )


def _written(setting: "Setting", settings: Settings) -> str:
    value = getattr(settings, setting.field)
    if setting.secret:
        return MASK if value else ""
    return without_secrets(setting.kind.write(value))


def reloaded(old: Settings, new: Settings) -> Settings:
    """The new settings, but for those that wait for the next start."""
    kept = {each.field: getattr(old, each.field) for each in SETTINGS if each.restart}
    return msgspec.structs.replace(new, **kept)


def lines(text: str, *, file: str) -> dict[str, str]:
    """The variables of an environment file: `TOKENHUB_NAME=value`, one a line.

    Comments begin with `#`, `export` before a name and one pair of quotes around a value are
    taken off, and nothing is substituted. Raises SettingsRefused, without a value in it: nor a
    name that is none of ours, which may be a line of a secret that ends in `=`.
    """
    found: dict[str, str] = {}
    problems: list[str] = []
    for number, line in enumerate(text.splitlines(), start=1):
        stripped = line.strip().removeprefix("export ").lstrip()
        if not stripped or stripped.startswith("#"):
            continue
        name, equals, value = stripped.partition("=")
        name = name.rstrip()
        where = f"{file}, line {number}"
        if not equals or not name.isidentifier():
            problems.append(f"{where}: this is no NAME=value")
        elif not name.startswith("TOKENHUB_"):
            problems.append(f"{where}: this sets no variable of TokenHub (TOKENHUB_...)")
        elif _CONTROLS.search(value):
            problems.append(f"{where}: the value of {name} holds a control character")
        elif name in found:
            problems.append(f"{where}: {name} is set a second time")
        else:
            found[name] = _unquoted(value.strip())
    if problems:
        raise SettingsRefused(tuple(problems))
    return found


def _unquoted(value: str) -> str:
    quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "\"'"
    return value[1:-1] if quoted else value


def warnings(env: Mapping[str, str]) -> tuple[str, ...]:
    """What an operator should know of these variables although the server starts."""
    known = {setting.name: setting for setting in SETTINGS}
    found = []
    for name in sorted(name for name in env if name.startswith("TOKENHUB_")):
        if name in known:
            if env[name].strip() and not known[name].effective:
                found.append(f"{name} is accepted, but has no effect yet")
        elif name not in CLIENT and name != ENV_FILE:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            found.append(f"{name} is not a setting of TokenHub{hint}")
    return tuple(found)


def _at_home(value: Any, home: Path) -> Any:
    if isinstance(value, Path) and value.parts[:1] == ("~",):
        return home.joinpath(*value.parts[1:])
    return value


def _address(text: str) -> Address:
    host, colon, port = text.rpartition(":")
    if not colon or not (port.isascii() and port.isdigit()):
        raise ValueError(f"{text!r} has no port")
    if int(port) > MAX_PORT:
        raise ValueError(f"port {port} does not exist")
    if host.startswith("[") and host.endswith("]"):
        return Address(host[1:-1], int(port))
    if ":" in host:
        raise ValueError(f"{text!r} is an IPv6 address without brackets")
    return Address(host, int(port))


def _database(text: str) -> Path:
    uri = text.startswith("file:")
    if text == ":memory:" or (uri and ("mode=memory" in text or ":memory:" in text)):
        raise ValueError("a database in memory would be lost at every stop")
    if not uri:
        return Path(text)
    parts = urlsplit(text)
    if parts.netloc not in {"", "localhost"}:
        raise ValueError(f"the URI names the host {parts.netloc!r}")
    if not parts.path:
        raise ValueError("the URI has no path")
    return Path(unquote(parts.path))


def _admin_token(text: str) -> str:
    if text and len(text) < admin_token.MIN_CHARS:
        raise ValueError("the token is too short")
    if not text.isascii() or any(c.isspace() or not c.isprintable() for c in text):
        raise ValueError("the token cannot be sent in a header")
    return text


def _yes(text: str) -> bool:
    # The original read Go's forms; here any case of them will do.
    lowered = text.lower()
    if lowered in {"1", "t", "true"}:
        return True
    if lowered in {"0", "f", "false"}:
        return False
    raise ValueError(f"{text!r} is neither true nor false")


def _budget_nusd(text: str) -> int | None:
    nusd = round(_number(text) * NANO)
    if not 0 <= nusd <= MAX_BUDGET_NUSD:
        raise ValueError(f"{text} is out of range")
    return nusd or None


def _number(text: str) -> float:
    try:
        number = float(text)
    except ValueError as error:
        raise ValueError(f"{text!r} is not a number") from error
    if not math.isfinite(number):
        raise ValueError(f"{text!r} is not a finite number")
    return number


def _one_of(*choices: str) -> Kind:
    def read(text: str) -> str:
        if text.lower() not in choices:
            raise ValueError(f"{text!r} is none of them")
        return text.lower()

    return Kind("choice", ", ".join(choices), read)


def _seconds(*, most: float, least: float = 0.001, per_unit: float = 1.0, unit: str = "s") -> Kind:
    """A duration given in seconds, or in milliseconds with 0.001 seconds `per_unit`."""

    def read(text: str) -> float:
        seconds = _number(text) * per_unit
        if not least <= seconds <= most:
            raise ValueError(f"{text} is out of range")
        return seconds

    label = "milliseconds" if unit == "ms" else "seconds"
    allowed = f"{least / per_unit:g} to {most / per_unit:.0f} {unit}"
    return Kind(label, allowed, read, lambda value: f"{value / per_unit:.12g}")


def _count(*, least: int = 1, most: int = 1_000_000) -> Kind:
    def read(text: str) -> int:
        if not (text.isascii() and text.isdigit()):
            raise ValueError(f"{text!r} is not a whole number")
        if not least <= int(text) <= most:
            raise ValueError(f"{text} is out of range")
        return int(text)

    return Kind("whole number", f"{least} to {most}", read)


def _log_days(text: str) -> int:
    days: int = _count(least=0, most=MAX_DAYS).read(text)
    if 0 < days < LEAST_LOG_DAYS:
        raise ValueError(f"{text} is out of range")
    return days


def _path(text: str) -> Path | None:
    return Path(text) if text else None


def _optional(value: object) -> str:
    return "" if value is None else str(value)


def _joined(values: Iterable[object]) -> str:
    return ",".join(map(str, values))


def _fraction(text: str) -> float:
    number = _number(text)
    if not 0 <= number <= 10:  # noqa: PLR2004  # the bound is told in FRACTION
        raise ValueError(f"{text} is out of range")
    return number


def _share(text: str) -> float:
    number = _number(text)
    if not 0 <= number <= 1:
        raise ValueError(f"{text} is out of range")
    return number


def _spend_nusd(text: str) -> int:
    return _budget_nusd(text) or 0


def _endpoint(text: str) -> str:
    url = text if "://" in text else f"http://{text}"
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query:
        raise ValueError(f"{without_secrets(text)!r} is no such address")
    _ = parts.port  # raises ValueError for one that does not exist
    return text


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _hedge_s(text: str) -> float | None:
    if text.lower() == "auto":
        return 0.0
    seconds = _number(text) / 1000
    if not 0 <= seconds <= MAX_LATENCY_S:
        raise ValueError(f"{text} is out of range")
    return seconds or None


def _hedge(after_s: float | None) -> str:
    if after_s is None:
        return "0"
    return f"{after_s * 1000:.12g}" if after_s else "auto"


def _origins(text: str) -> tuple[str, ...]:
    origins = tuple(origin.strip() for origin in text.split(",") if origin.strip())
    for origin in origins:
        parts = urlsplit(origin)
        if origin not in {"*", f"{parts.scheme}://{parts.netloc}"} or "@" in parts.netloc:
            raise ValueError(f"{without_secrets(origin)!r} is no origin")
    return origins


def _hosts(text: str) -> tuple[str, ...]:
    hosts = tuple(host.strip().lower() for host in text.split(",") if host.strip())
    for host in hosts:
        if not _HOST.fullmatch(host):
            raise ValueError(f"{host!r} is no host name or address without a port")
    return tuple(host.strip("[]").rstrip(".") for host in hosts)


ADDRESS = Kind("address", "host:port, [IPv6]:port, or :port for every interface", _address)
DATABASE = Kind("path", "a path, or a file: URI", _database)
FILE = Kind("path", "a path", Path)
OPTIONAL_FILE = Kind("path", "a path", _path, _optional)
ADMIN_TOKEN = Kind(
    "secret",
    f"at least {admin_token.MIN_CHARS} printable ASCII characters without spaces",
    _admin_token,
)
PASSWORD = Kind("secret", "any text", str)
TEXT = Kind("text", "any text", str)
YES_NO = Kind("true or false", "true, t, 1, false, f, 0", _yes, lambda value: str(value).lower())
BUDGET = Kind(
    "USD",
    f"0 (no limit) to {MAX_BUDGET_NUSD // NANO}",
    _budget_nusd,
    lambda nusd: f"{(nusd or 0) / NANO:.12g}",
)
FRACTION = Kind("number", "0 to 10", _fraction, lambda value: f"{value:g}")
SHARE = Kind("number", "0 to 1", _share, lambda value: f"{value:g}")
SPEND = Kind(
    "USD",
    f"0 to {MAX_BUDGET_NUSD // NANO}",
    _spend_nusd,
    lambda nusd: f"{nusd / NANO:.12g}",
)
HEDGE = Kind(
    "milliseconds or auto", f"0, auto, or up to {1000 * MAX_LATENCY_S:.0f} ms", _hedge_s, _hedge
)
ORIGINS = Kind("list", "origins such as https://app.example, with commas, or *", _origins, _joined)
HOSTS = Kind(
    "list", "host names and addresses without ports, with commas between them", _hosts, _joined
)
NETWORKS = Kind(
    "list", "IP addresses and networks such as 10.0.0.0/8, with commas", networks, _joined
)
PLACES = Kind(
    "list",
    "host names, *.names, IP addresses and networks such as 10.0.0.0/8, with commas",
    destinations,
    lambda places: _joined((*sorted(places.names), *places.networks)),
)
ENDPOINT = Kind("address", "host:port, or a URL with http or https", _endpoint)
NAMES = Kind("list", "names, with commas between them", _names, _joined)
FOLDER = Kind("path", "a path", _path, _optional)
DAY_S = 86_400.0
MAX_DAYS = 36_500
# This month and the last are always there in full, whatever is charged to them.
LEAST_LOG_DAYS = 62
LOG_DAYS = Kind("whole number", f"0 (for ever), or {LEAST_LOG_DAYS} to {MAX_DAYS}", _log_days)

# What tokenhubctl reads from the same environment; no business of the server's.
# And where more of these variables are: read before there are settings.
ENV_FILE = "TOKENHUB_ENV_FILE"
DEFAULT_ENV_FILE = "server.env"
CLIENT = frozenset(
    {"TOKENHUB_URL", "TOKENHUB_API_KEY", "TOKENHUB_CONTEXT", "TOKENHUB_OUTPUT", "TOKENHUB_TIMEOUT"}
)

SETTINGS = (
    Setting(
        "LISTEN_ADDR",
        ADDRESS,
        "127.0.0.1:8080",
        "Where the server listens. Only this machine can reach the default.",
        effective=True,
        restart=True,
    ),
    Setting(
        "LOG_LEVEL",
        _one_of("debug", "info", "warn", "error"),
        "info",
        "The least severe event that is logged.",
        effective=True,
    ),
    Setting(
        "ACCESS_LOG",
        YES_NO,
        "true",
        "Log a line for each request on /v1 and /admin, at level info.",
        effective=True,
    ),
    Setting(
        "DB_DSN",
        DATABASE,
        "",
        "The database. Its folder is the data directory.",
        default_shown="/data/tokenhub.sqlite if that can be, else ~/.tokenhub/tokenhub.sqlite",
        effective=True,
        restart=True,
    ),
    Setting(
        "ADMIN_TOKEN",
        ADMIN_TOKEN,
        "",
        "The bearer token of /admin/v1.",
        default_shown=f"kept in {admin_token.FILE} in the data directory, made at the first start",
        effective=True,
        restart=True,
    ),
    Setting(
        "CREDENTIALS_FILE",
        FILE,
        "~/.tokenhub/credentials",
        "Providers and models to register at start; see the page on the credentials file.",
        effective=True,
    ),
    Setting(
        "DEFAULT_MODE",
        _one_of(*MODES),
        "normal",
        "The routing mode of a request that names none.",
        effective=True,
    ),
    Setting(
        "DEFAULT_MAX_BUDGET_USD",
        BUDGET,
        "0.05",
        "The most that a request without a limit of its own may be estimated to cost; 0: no limit.",
        effective=True,
    ),
    Setting(
        "DEFAULT_MAX_LATENCY_MS",
        _seconds(most=MAX_LATENCY_S, per_unit=0.001, unit="ms"),
        "120000",
        "The deadline of a request that sets none.",
        effective=True,
    ),
    Setting(
        "PROVIDER_TIMEOUT_SECS",
        _seconds(most=3_600.0),
        "30",
        "How long a stream may be silent: before its first byte, and between two lines. A whole "
        "answer, which begins when it is finished, may take half of what is left of the latency "
        "budget.",
        effective=True,
    ),
    Setting(
        "SHUTDOWN_DRAIN_SECS",
        _seconds(least=1.0, most=3_600.0),
        "30",
        "How long requests in flight may take to finish when the server stops.",
        effective=True,
        restart=True,
    ),
    Setting(
        "VAULT_ENABLED",
        YES_NO,
        "true",
        "Keep provider keys in the encrypted vault, once it is set up; false: in memory only.",
        effective=True,
        restart=True,
    ),
    Setting(
        "VAULT_PASSWORD",
        PASSWORD,
        "",
        "Unlocks the vault at start, or sets it up; it then never locks by itself.",
        effective=True,
        restart=True,
    ),
    Setting(
        "VAULT_KEY_FILE",
        OPTIONAL_FILE,
        "",
        "A file for its owner's eyes only with the vault's password or recovery key, instead of "
        "TOKENHUB_VAULT_PASSWORD.",
        effective=True,
        restart=True,
    ),
    Setting(
        "VAULT_IDLE_LOCK_SECS",
        _seconds(least=0.0, most=30 * DAY_S),
        "1800",
        "Lock the vault after so long without a use of a secret; 0: never.",
        effective=True,
        restart=True,
    ),
    Setting(
        "VAULT_MAX_UNLOCK_SECS",
        _seconds(least=0.0, most=30 * DAY_S),
        "0",
        "Lock the vault so long after it was unlocked, used or not; 0: never.",
        effective=True,
        restart=True,
    ),
    Setting(
        "IDEMPOTENCY_BODY",
        _one_of("encrypted", "none"),
        "encrypted",
        "Keep answers for repeats on disk, under the vault's keys and while it is unlocked; none: "
        "in memory only.",
        effective=True,
        restart=True,
    ),
    Setting(
        "ALLOW_CORE_DUMPS",
        YES_NO,
        "false",
        "Let the process be dumped and traced: a dump may hold keys and prompts.",
        effective=True,
        restart=True,
    ),
    Setting(
        "EXPLORATION_TEMP",
        FRACTION,
        "0",
        "How freely routing tries models that are not the best-scored; 0 is never. At 0.3, 96.4 % "
        "of the requests that leave the choice to TokenHub go to the best.",
        effective=True,
    ),
    Setting(
        "HEDGE_AFTER_MS",
        HEDGE,
        "0",
        "Ask a second route where the first is slow and has a heavy tail, after a time that is "
        "learned for each; auto: any time, a number: never earlier than that, 0: never.",
        effective=True,
    ),
    Setting(
        "MAX_HEDGED_PROVIDERS",
        _count(most=10),
        "3",
        "The most routes that are asked at the same time for one request. Never more than two "
        "are; 1 turns hedging off.",
        effective=True,
    ),
    Setting(
        "HEDGE_MAX_EXTRA_PERCENT",
        _count(most=100),
        "15",
        "The most that hedging may add to what is sent anyway, in calls and in money.",
        effective=True,
    ),
    Setting(
        "CORS_ORIGINS",
        ORIGINS,
        "*",
        "Web origins whose pages may call /v1 from a browser, with an API key and never with "
        "cookies; * for all. /admin has no such thing.",
        effective=True,
    ),
    Setting(
        "ALLOWED_HOSTS",
        HOSTS,
        "",
        "Host names under which /admin answers, beside localhost, 127.0.0.1, ::1 and that of "
        "TOKENHUB_LISTEN_ADDR.",
        effective=True,
        restart=True,
    ),
    Setting(
        "METRICS_PUBLIC",
        YES_NO,
        "true",
        "Whether /metrics answers without an admin token.",
        effective=True,
        restart=True,
    ),
    Setting(
        "MODELS_PUBLIC",
        YES_NO,
        "true",
        "Whether GET /v1/models answers without an API key.",
        effective=True,
        restart=True,
    ),
    Setting(
        "RATE_LIMIT_RPS",
        _count(least=0),
        "60",
        "Requests per second and IP address on /v1, and of a key without a rate of its own; "
        "0: no limit.",
        effective=True,
    ),
    Setting(
        "RATE_LIMIT_BURST",
        _count(),
        "120",
        "Requests that an IP address may send at once on /v1.",
        effective=True,
    ),
    Setting(
        "ADMIN_RATE_LIMIT_RPS",
        _count(least=0),
        "30",
        "Requests per second and IP address on /admin/v1; 0: no limit.",
        effective=True,
    ),
    Setting(
        "ADMIN_RATE_LIMIT_BURST",
        _count(),
        "60",
        "Requests that an IP address may send at once on /admin/v1.",
        effective=True,
    ),
    Setting(
        "TRUSTED_PROXIES",
        NETWORKS,
        "",
        "Reverse proxies whose X-Forwarded-For, Forwarded or X-Real-IP says who is calling.",
        effective=True,
        restart=True,
    ),
    Setting(
        "ALLOWED_PRIVATE_HOSTS",
        PLACES,
        "",
        "Private hosts and networks that providers may be at, loopback among them; for a server "
        "on this machine: localhost,127.0.0.1,::1. Nothing but public addresses by default.",
        effective=True,
    ),
    Setting(
        "MAX_REQUESTS_IN_FLIGHT",
        _count(least=0, most=1_000_000),
        "2000",
        "The most requests on /v1 that are being answered at the same time: who is one too many "
        "is refused; 0: no limit.",
        effective=True,
        restart=True,
    ),
    Setting(
        "OVERLOAD_LAG_MS",
        _seconds(least=0.0, most=10.0, per_unit=0.001, unit="ms"),
        "10",
        "How late the server may run, for 0.15 seconds, before it refuses the requests that are "
        "more than it bears; 0: never.",
        effective=True,
        restart=True,
    ),
    Setting(
        "STRICT_PARAMS",
        YES_NO,
        "false",
        "Refuse a request with a parameter that its provider has no words for, instead of "
        "naming it in X-TokenHub-Dropped-Params.",
        effective=True,
    ),
    Setting(
        "HEARTBEAT_SECS",
        _seconds(least=0.0, most=3_600.0),
        "15",
        "After how long a silence a stream gets a comment line, so that proxies keep it open; "
        "0: never.",
        effective=True,
    ),
    Setting(
        "HEALTH_PROBE_DISABLED",
        YES_NO,
        "false",
        "Do not probe providers: learn of their health from requests alone.",
        effective=True,
    ),
    Setting(
        "HEALTH_PROBE_INTERVAL_SECS",
        _seconds(least=0.0, most=DAY_S),
        "30",
        "How often a provider that answers no requests is asked for its models, with its key; "
        "0: never.",
        effective=True,
    ),
    Setting(
        "HEALTH_PROBE_TIMEOUT_SECS",
        _seconds(most=60.0),
        "5",
        "How long a probe may take.",
        effective=True,
    ),
    Setting(
        "DECISION_RETENTION_DAYS",
        _count(least=0, most=MAX_DAYS),
        "30",
        "How long decision records are kept, which explain where requests went; 0: for ever.",
        effective=True,
    ),
    Setting(
        "LOG_RETENTION_DAYS",
        LOG_DAYS,
        "400",
        "How long requests and plans are kept with their attempts; what they cost is kept beyond, "
        "as totals of each day. 0: for ever.",
        effective=True,
    ),
    Setting(
        "FEEDBACK_DAYS",
        _count(least=0, most=MAX_DAYS),
        "30",
        "How long after a request feedback on its answer is taken; 0: as long as it is kept.",
        effective=True,
    ),
    Setting(
        "FEEDBACK_COMMENTS",
        YES_NO,
        "false",
        "Keep the comments that come with feedback; they may quote prompts and answers.",
        effective=True,
    ),
    Setting(
        "FEEDBACK_SIGNS",
        YES_NO,
        "true",
        "Learn from signs of a good or a bad answer: schemas, calls of tools, prompts that come "
        "again.",
        effective=True,
    ),
    Setting(
        "JUDGE_MODEL",
        TEXT,
        "",
        "A model, or an alias, that is shown some requests with their answers to judge these; "
        "empty: none is.",
        effective=True,
    ),
    Setting(
        "JUDGE_SHARE",
        SHARE,
        "0.05",
        "The share of the answers that are judged where there is a judge.",
        effective=True,
    ),
    Setting(
        "JUDGE_DAILY_BUDGET_USD",
        SPEND,
        "1",
        "What judging may cost in a day (UTC); 0: nothing is judged.",
        effective=True,
    ),
    Setting(
        "BACKUP_DIR",
        FOLDER,
        "",
        "Where backups are kept, those from before upgrades too.",
        default_shown="backups in the data directory",
        effective=True,
        restart=True,
    ),
    Setting(
        "BACKUP_INTERVAL_SECS",
        _seconds(least=0.0, most=30 * DAY_S),
        "86400",
        "The time between two backups; 0: only when they are asked for.",
        effective=True,
    ),
    Setting(
        "BACKUP_KEEP",
        _count(most=1_000),
        "7",
        "How many backups are kept; a new one takes the place of the oldest.",
        effective=True,
        restart=True,
    ),
    Setting("PRICING_REFRESH_ENABLED", YES_NO, "true", "Refresh model prices from time to time."),
    Setting(
        "PRICING_REFRESH_INTERVAL_SECS",
        _seconds(least=60.0, most=30 * DAY_S),
        "3600",
        "The time between two refreshes of the prices.",
    ),
    Setting("TEMPORAL_ENABLED", YES_NO, "false", "Run requests as durable Temporal workflows."),
    Setting("TEMPORAL_HOST", TEXT, "localhost:7233", "The address of the Temporal server."),
    Setting("TEMPORAL_NAMESPACE", TEXT, "tokenhub", "The Temporal namespace."),
    Setting("TEMPORAL_TASK_QUEUE", TEXT, "tokenhub-tasks", "The Temporal task queue."),
    Setting(
        "OTEL_ENABLED",
        YES_NO,
        "false",
        "Send OpenTelemetry traces; needs the extra tokenhub[otel].",
        effective=True,
        restart=True,
    ),
    Setting(
        "OTEL_ENDPOINT",
        ENDPOINT,
        "localhost:4318",
        "Where traces go, as OTLP over HTTP; without a path, to /v1/traces.",
        effective=True,
        restart=True,
    ),
    Setting(
        "OTEL_SERVICE_NAME",
        TEXT,
        "tokenhub",
        "The name of this service in traces.",
        effective=True,
        restart=True,
    ),
    Setting(
        "OTEL_SAMPLE_RATIO",
        SHARE,
        "1",
        "The part of the requests that are traced; a caller's own trace is as they have it.",
        effective=True,
        restart=True,
    ),
    Setting(
        "OTEL_PROPAGATE_TO",
        NAMES,
        "",
        "Providers, by their ids, that are told of the trace (traceparent); * for all.",
        effective=True,
        restart=True,
    ),
)
