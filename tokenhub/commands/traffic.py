"""A steady trickle of varied requests, and a line for each as it was routed."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import msgspec

from tokenhub.core import rng
from tokenhub.core.catalog import MODES
from tokenhub.wire.observe import LogPage, RequestLog

EVERY_S = 0.5
SEED = 2
ROW = "{:<8}  {:<26}  {:<29}  {:>5}  {:>6}  {:>10}  {:>6}  {}"
HEAD = ROW.format("UTC", "ASKED FOR", "ANSWERED BY", "TRIES", "TOKENS", "COST", "MS", "REASON")
SENTENCES = (
    "Say in one sentence what a gateway is.",
    "Write a haiku about a queue that never grows.",
    "Which of these is the odd one out: amber, basalt, copper, granite?",
    "Summarise: the harbour was quiet, and the ships waited for the morning.",
    "Translate 'the lantern is lit' into French.",
    "List three reasons to keep a log.",
)


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """One request: to a named model, or in a mode and left to the router."""

    asked: str
    path: str
    body: dict[str, Any]


def questions(models: tuple[str, ...], *, seed: int = SEED) -> Iterator[Question]:
    """Requests without end: each model and mode, streamed and whole, short and long."""
    number = 0
    while True:
        yield _question(models, rng.split(seed, number))
        number += 1


class Traffic:
    """Sends questions with a caller's key; reads from the log how each was routed."""

    def __init__(
        self, client: httpx.AsyncClient, *, key: str, admin_token: str, tell: Callable[[str], None]
    ) -> None:
        self._client = client
        self._as_caller = {"authorization": f"Bearer {key}"}
        self._as_admin = {"authorization": f"Bearer {admin_token}"}
        self._tell = tell
        self.answered = 0

    async def flow(
        self, source: Iterator[Question], *, stop: asyncio.Event, limit: int | None = None
    ) -> None:
        """One question every half second, until `stop` is set or `limit` are through."""
        sent = 0
        async with asyncio.TaskGroup() as group:
            waiting = []
            while not stop.is_set() and (limit is None or sent < limit):
                waiting.append(group.create_task(self._ask(next(source))))
                sent += 1
                await _pause(stop, EVERY_S)
                waiting = [task for task in waiting if not task.done()]
            while waiting and not stop.is_set():
                await _pause(stop, EVERY_S / 10)
                waiting = [task for task in waiting if not task.done()]
            for task in waiting:
                task.cancel()

    async def _ask(self, question: Question) -> None:
        try:
            answer = await self._client.post(
                question.path, json=question.body, headers=self._as_caller
            )
        except httpx.TransportError as error:
            # A stream that breaks off is among the faults that the simulation plays.
            self._tell(f"{'':<8}  {question.asked:<26}  broken off: {type(error).__name__}")
            return
        self.answered += answer.is_success
        self._tell(await self._line(question, answer))

    async def _line(self, question: Question, answer: httpx.Response) -> str:
        request_id = answer.headers.get("x-request-id", "")
        logged = await self._client.get(
            "/admin/v1/logs", params={"request_id": request_id}, headers=self._as_admin
        )
        rows = msgspec.json.decode(logged.content, type=LogPage).logs
        if rows:
            return _row(question, rows[0])
        return f"{'':<8}  {question.asked:<26}  answered {answer.status_code}, not in the log"


def _question(models: tuple[str, ...], seed: int) -> Question:
    stream = rng.below(seed, 0, 2) == 1
    how = "streamed" if stream else "whole"
    sentence = SENTENCES[rng.below(seed, 1, len(SENTENCES))]
    # Every eighth prompt is long, so that sizes and costs differ by orders of magnitude.
    text = sentence * (40 if rng.below(seed, 2, 8) == 0 else 1)
    messages = [{"role": "user", "content": text}]
    size = (16, 64, 256)[rng.below(seed, 3, 3)]
    if rng.below(seed, 4, 2):
        mode = MODES[rng.below(seed, 5, len(MODES))]
        request = {"messages": messages, "stream": stream, "parameters": {"max_tokens": size}}
        body: dict[str, Any] = {"request": request, "policy": {"mode": mode}}
        return Question(asked=f"{mode}, {how}", path="/v1/chat", body=body)
    model = (*models, "auto")[rng.below(seed, 6, len(models) + 1)]
    body = {"model": model, "messages": messages, "stream": stream, "max_tokens": size}
    return Question(asked=f"{model}, {how}", path="/v1/chat/completions", body=body)


def _row(question: Question, row: RequestLog) -> str:
    cost = row.estimated_cost_usd
    answered = f"{row.model_id} at {row.provider_id}" if row.answered else "nobody"
    wrong = f" ({row.status_code} {row.error_class})" if row.error_class else ""
    return ROW.format(
        row.timestamp[11:19],
        question.asked,
        answered,
        len(row.attempts),
        row.total_tokens,
        "unknown" if cost is None else f"${cost:.6f}",
        round(row.latency_ms),
        row.reason + wrong,
    )


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return
