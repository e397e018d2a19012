"""A server process under test, its providers, and a caller who keeps every answer it was given."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import httpx

from tests.faults.wires import Wire
from tests.support.server import Child
from tokenhub.sim.app import Sim
from tokenhub.sim.profile import Constant, Model, Profile

MODEL = "gpt"
LARGER = "larger"
# What no log and no answer may hold.
CANARY = "zebra-mango-canary"
PROFILE = Profile(
    name="simulated",
    dialect="openai",
    seed=11,
    models=(
        Model(id=MODEL, context_tokens=8_000),
        Model(id=LARGER, context_tokens=64_000),
    ),
    answer_tokens=Constant(value=12),
)
PATHS = {"openai": "/v1/chat/completions", "anthropic": "/v1/messages"}
FORMATS = tuple(PATHS)
# What a request may take beyond its deadline; the machine may be busy.
GRACE_S = 0.5


class Ack(NamedTuple):
    """What the caller was told, and when: seconds of the loop's clock."""

    speech: str
    stream: bool
    answer: httpx.Response
    began_at: float
    ended_at: float

    @property
    def id(self) -> str:
        return self.answer.headers["x-request-id"]

    @property
    def status(self) -> int:
        return self.answer.status_code

    @property
    def code(self) -> str:
        """The code of the error, as a status or as the last event; empty where there is none."""
        body = self.events()[-1] if self.status == 200 and self.stream else self.answer.json()
        error = body.get("error")
        return error["code"] if error else ""

    @property
    def provider(self) -> str:
        """The name under which the test registered who answered."""
        return self.answer.headers.get("x-tokenhub-provider", "").partition(".")[0]

    @property
    def seconds(self) -> float:
        return self.ended_at - self.began_at

    @property
    def failed(self) -> bool:
        return self.status != 200 or bool(self.code)

    @property
    def attempts(self) -> int:
        return int(self.answer.headers.get("x-tokenhub-attempts", "0"))

    def events(self) -> list[Any]:
        """The data of a stream, without the closing `[DONE]`."""
        lines = self.answer.text.splitlines()
        data = [line.removeprefix("data: ") for line in lines if line.startswith("data: ")]
        return [json.loads(one) for one in data if one != "[DONE]"]

    def ended_well(self) -> bool:
        """Whether it has the vendor's last event."""
        return "[DONE]" in self.answer.text or "message_stop" in self.answer.text


class Bench:
    """A test's own providers at a server, under names of its own, and its caller."""

    def __init__(self, hub: Child, key: str, number: int) -> None:
        self.hub = hub
        self.acks: list[Ack] = []
        self._key = key
        self._number = number
        self._ids: list[str] = []
        self._heard = asyncio.Event()

    def id(self, name: str) -> str:
        """The provider's id at the server: no two tests share one, nor what is known of it."""
        return f"{name}.{self._number}"

    def at(self, name: str) -> str:
        """The model at this provider: it is asked first, whatever is thought of it."""
        return f"{self.id(name)}/{MODEL}"

    async def provider(
        self,
        name: str,
        place: Sim | str,
        *,
        weight: int = 5,
        models: Sequence[str] = (MODEL,),
        fields: Mapping[str, object] | None = None,
        **more: object,
    ) -> None:
        """Register a provider; the higher its weight, the sooner it is asked."""
        self._ids.append(self.id(name))
        model = {"weight": weight} | dict(fields or {})
        await self.hub.provider(self.id(name), place, models=models, model=model, **more)

    async def both(self, first: Sim | str, second: Sim | str, **more: object) -> None:
        """Providers `one`, who is asked first, and `two`."""
        await self.provider("one", first, weight=10, **more)
        await self.provider("two", second, weight=1, **more)

    async def ask(
        self,
        *,
        stream: bool = False,
        speech: str = "openai",
        model: str = MODEL,
        deadline_ms: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Ack:
        """Ask; with a deadline in TokenHub's own format, which has one."""
        told = [{"role": "user", "content": f"Hello, {CANARY}"}]
        body: dict[str, Any] = {"messages": told, "model": model, "max_tokens": 64}
        path = PATHS[speech]
        if deadline_ms is not None:
            path = "/v1/chat"
            body = {
                "request": {"messages": told, "model_hint": model, "stream": stream},
                "policy": {"max_latency_ms": deadline_ms},
            }
        else:
            body["stream"] = stream
        sent = {"x-api-key": self._key}
        clock = asyncio.get_running_loop().time
        began = clock()
        answer = await self.hub.http.post(path, json=body, headers=sent | dict(headers or {}))
        ack = Ack(speech, stream, answer, began, clock())
        self.acks.append(ack)
        self._heard.set()
        return ack

    async def heard(self) -> None:
        """Return after the next answer."""
        self._heard.clear()
        await self._heard.wait()

    async def row(self, ack: Ack) -> Any:
        """What the log says of a request."""
        return (await self.hub.logs(request_id=ack.id))[0]

    async def rows(self) -> list[Any]:
        """What the log says of every request that this test was told of, in their order."""
        found: dict[str, Any] = {}
        wanted = {ack.id for ack in self.acks}
        cursor = ""
        while wanted - found.keys():
            page = await self.hub.admin("GET", f"logs?limit=200{cursor}")
            found |= {row["request_id"]: row for row in page["logs"]}
            if not page["next"]:
                break
            cursor = f"&before={page['next']}"
        assert set() == wanted - found.keys(), "acknowledged, and not in the log"
        return [found[ack.id] for ack in self.acks]

    async def health(self, name: str) -> tuple[Any, Any]:
        """A provider's health, and that of its first route."""
        rows = (await self.hub.admin("GET", "health"))["providers"]
        found = next(row for row in rows if row["provider_id"] == self.id(name))
        return found, found["routes"][0]

    async def forget(self) -> None:
        """Let every provider be met as if for the first time."""
        for provider_id in self._ids:
            await self.hub.forget(provider_id)

    async def leave(self) -> None:
        """Take the test's providers away.

        Nothing that was acknowledged may be missing in the log, and nothing have gone wrong within.
        """
        await self.rows()
        assert [] == [line for line in self.hub.logged if "Traceback" in line]
        for provider_id in self._ids:
            await self.hub.admin("DELETE", f"providers/{provider_id}")


def kinds(row: Any) -> list[str]:
    """The classes of a request's attempts, empty for one that went well."""
    return [attempt["error_class"] for attempt in row["attempts"]]


def states(row: Any) -> list[str]:
    """What the ledger has of a request's attempts."""
    return [attempt["state"] for attempt in row["attempts"]]


def calls(*places: Sim | Wire) -> int:
    """How many requests asked a model of them."""
    return sum(
        sum(request.method == "POST" for request in place.requests)
        if isinstance(place, Sim)
        else place.calls.total()
        for place in places
    )
