"""What the screen More says: of the server, of its vault, and of this console."""

from collections.abc import Iterator, Sequence

import msgspec

from tokenhub.client.text import clean, from_ms, local, seconds
from tokenhub.wire.access import Session
from tokenhub.wire.catalog import Info
from tokenhub_tui.state import standing, vault
from tokenhub_tui.state.cells import Cell, Column, Row
from tokenhub_tui.state.messages import Said
from tokenhub_tui.state.standing import Standing

MESSAGES = (
    Column(id="at", title="time", width=8),
    Column(id="text", title="message", width=20, most=400),
)
MARKS = {"good": "✓", "warn": "!", "bad": "✗"}


class Fact(msgspec.Struct, frozen=True, kw_only=True):
    """A value under its name."""

    name: str
    value: str
    tone: str = ""


class Here(msgspec.Struct, frozen=True, kw_only=True):
    """What this console goes by."""

    url: str
    context: str
    token_source: str
    read_only: bool
    theme: str
    keys: int
    requests: int


class Server(msgspec.Struct, frozen=True, kw_only=True):
    """What a server says of itself."""

    info: Info
    who: Session
    log_level: str


def of_server(server: Server, seen: vault.Seen | None, now: float) -> Iterator[Fact]:
    """The server, its storage and its vault; its warnings last."""
    info = server.info
    yield Fact(name="version", value=f"{info.version}, up {seconds(info.uptime_s)}")
    yield Fact(name="catalog", value=_catalog(info))
    ok = info.storage == "ok"
    storage = "✓ ok" if ok else f"✗ {info.storage}: {info.storage_reason}"
    yield Fact(
        name="storage", value=f"{storage}, SQLite {info.sqlite_version}", tone="" if ok else "bad"
    )
    text, tone = vault.told(info, seen, now)
    yield Fact(name="vault", value=text or "off", tone=tone)
    yield Fact(name="new keys", value=_where(info.provider_keys))
    yield Fact(name="who", value=f"{server.who.name or 'the token'}, {server.who.role}")
    yield Fact(name="log level", value=server.log_level)
    for warning in info.warnings:
        yield Fact(name="! note", value=warning, tone="warn")


def _catalog(info: Info) -> str:
    providers = "1 provider" if info.providers == 1 else f"{info.providers} providers"
    return f"{providers}, " + ("1 model" if info.models == 1 else f"{info.models} models")


def _where(provider_keys: str) -> str:
    return "memory: a restart loses them" if provider_keys == "memory" else provider_keys


def of_console(here: Here, link: Standing, per_s: float, now: float) -> Iterator[Fact]:
    """The connection, and what this console goes by."""
    text, tone = standing.told(link, per_s, now)
    yield Fact(name="events", value=f"{text}, for {standing.clock(now - link.since)}", tone=tone)
    if link.reason:
        yield Fact(name="why", value=link.reason, tone="warn")
    yield Fact(
        name="missed",
        value=_missed(link),
        tone="warn" if link.gaps else "",
    )
    yield Fact(name="url", value=here.url)
    yield Fact(name="context", value=here.context or "none")
    yield Fact(name="token", value=f"from {here.token_source}" if here.token_source else "none")
    yield Fact(name="changes", value="off: read-only" if here.read_only else "allowed")
    yield Fact(name="theme", value=here.theme)
    yield Fact(name="own keys", value=str(here.keys or "none"))
    yield Fact(name="requests", value=f"{here.requests} kept here")


def _missed(link: Standing) -> str:
    if not link.gaps:
        return "nothing"
    gaps = "1 gap" if link.gaps == 1 else f"{link.gaps} gaps"
    many = f"{link.missed} events" if link.missed else "nobody knows how many events"
    return f"{many} in {gaps}; the log has the requests"


def width(facts: Sequence[Fact]) -> int:
    """Of the names."""
    return max((len(one.name) for one in facts), default=0)


def messages(said: Sequence[Said]) -> list[Row]:
    """What the console has said, newest first."""
    return [
        Row(
            id=str(number),
            cells=(
                Cell(local(from_ms(one.at * 1000))[-8:], "dim"),
                Cell(f"{MARKS.get(one.tone, ' ')} {clean(one.text)}", one.tone),
            ),
        )
        for number, one in reversed(list(enumerate(said)))
    ]
