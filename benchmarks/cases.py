"""The kinds of load, and the request of each."""

from typing import Any, Literal

import msgspec

# Streams so long that of a chunk's cost hardly any is its request's. 5 ms apart, each chunk is read
# and sent by itself.
LONG = 512
PACE_S = 0.005
PROMPT = (
    "Compare the three harbours of the northern coast for a cargo of timber: depth at low water, "
    "the cost of a berth for two nights, and the road to the market. Answer in one short paragraph."
)
SYSTEM = "You are a terse harbour master."
TITLES = {
    "whole": "whole answers",
    "same": "streams of {} tokens",
    "translated": "streams of {} tokens, OpenAI's from a provider of type anthropic",
    "reverse": "streams of {} tokens, Anthropic's from a provider of type openai",
}
STREAMS: tuple["Kind", ...] = ("same", "translated", "reverse")
Kind = Literal["whole", "same", "translated", "reverse"]


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of load. The pace is the provider's; 0 is as fast as it can."""

    kind: Kind
    connections: int
    tokens: int = 64
    gap_s: float = 0.0

    @property
    def stream(self) -> bool:
        return self.kind != "whole"

    def title(self) -> str:
        plural = "s" * (self.connections > 1)
        kind = TITLES[self.kind].format(self.tokens)
        return f"{kind}, {self.connections} connection{plural}"


def instant(kinds: tuple[Kind, ...]) -> list[Case]:
    """What requests cost whose provider takes no time."""
    return [Case(kind=kind, connections=number) for kind in kinds for number in (1, 32)]


def paced(kinds: tuple[Kind, ...]) -> list[Case]:
    """Long streams, whose cost is that of their chunks."""
    return [pace(kind) for kind in kinds if kind != "whole"]


def pace(kind: Kind) -> Case:
    return Case(kind=kind, connections=32, tokens=LONG, gap_s=PACE_S)


def request(case: Case, key: str) -> bytes:
    """The bytes of one request of about 400 bytes; the relay is sent the same."""
    user = {"role": "user", "content": PROMPT}
    ask: dict[str, Any] = {
        "model": "sim-medium" if case.kind == "translated" else "sim-large",
        "temperature": 0.2,
        "max_tokens": case.tokens if case.stream else 8,
        "stream": case.stream,
    }
    if case.kind == "reverse":
        path, headers = "/v1/messages", "anthropic-version: 2023-06-01\r\n"
        ask |= {"system": SYSTEM, "messages": [user]}
    else:
        path, headers = "/v1/chat/completions", ""
        ask["messages"] = [{"role": "system", "content": SYSTEM}, user]
    body = msgspec.json.encode(ask)
    head = (
        f"POST {path} HTTP/1.1\r\nhost: localhost\r\naccept: application/json\r\n{headers}"
        f"user-agent: tokenhub-bench\r\nauthorization: Bearer {key}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body
