"""An answer that goes out as it comes: events, heartbeats in their pauses, and a true end."""

import asyncio

from tokenhub.core.errors import TokenHubError
from tokenhub.gateway.claims import Claim, Unclaimed
from tokenhub.gateway.run import HUNG_UP
from tokenhub.gateway.streaming import Streaming
from tokenhub.web.errors import ANTHROPIC, render
from tokenhub.web.v1.exchange import Headers, Send
from tokenhub.wire import sse

HEARTBEAT = sse.comment("heartbeat")


async def relay(
    streaming: Streaming,
    send: Send,
    claim: Claim | Unclaimed,
    *,
    head: Headers,
    dialect: str,
    beat_s: float,
) -> None:
    """Send the events as they come. A caller who hangs up has this task cancelled (protocol.py).

    So has one who is cut since the server stops; they are told with an error event.
    `beat_s` is the longest silence, 0 for any: no proxy on the way takes a pause for the end.
    """
    heart = Heartbeat(send, beat_s) if beat_s else None
    begun = False
    try:
        await send({"type": "http.response.start", "status": 200, "headers": head})
        begun = True
        last = await _events(streaming, send, claim, heart)
        claim.finish(200, head, last)
    except TokenHubError as error:
        last = error_event(error, dialect, streaming.run.request_id)
        claim.unknown()
    except asyncio.CancelledError as error:
        if not begun or error.args == (HUNG_UP,):
            streaming.abandon(error)
            raise
        last = error_event(await streaming.cut(), dialect, streaming.run.request_id)
        claim.unknown()
    except BaseException as error:
        streaming.abandon(error)
        raise
    finally:
        if heart is not None:
            heart.stop()
    await send({"type": "http.response.body", "body": last})


class Heartbeat:
    """A comment after every `interval_s` of silence. One timer a stream, nothing a chunk."""

    def __init__(self, send: Send, interval_s: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._send = send
        self._interval_s = interval_s
        self._task: asyncio.Task[None] | None = None
        self._last = self._loop.time()
        self._timer = self._loop.call_at(self._last + interval_s, self._look)

    def heard(self) -> None:
        """Note that something was sent just now."""
        self._last = self._loop.time()

    def stop(self) -> None:
        self._timer.cancel()
        if self._task is not None:
            self._task.cancel()

    def _look(self) -> None:
        now = self._loop.time()
        due = self._last + self._interval_s
        if now >= due:
            # A caller who does not read holds the last one up; a queue of them would help nobody.
            if self._task is None or self._task.done():
                self._task = self._loop.create_task(self._beat())
            self._last = now
            due = now + self._interval_s
        self._timer = self._loop.call_at(due, self._look)

    async def _beat(self) -> None:
        await self._send({"type": "http.response.body", "body": HEARTBEAT, "more_body": True})


async def _events(
    streaming: Streaming, send: Send, claim: Claim | Unclaimed, heart: Heartbeat | None
) -> bytes:
    """Send what comes, and give the event that is to end it, once all is committed."""
    while events := await streaming.next():
        await send({"type": "http.response.body", "body": events, "more_body": True})
        claim.gather(events)
        if heart is not None:
            heart.heard()
    return await streaming.finish()


def error_event(error: TokenHubError, dialect: str, request_id: str) -> bytes:
    """What both official SDKs raise as an error in the middle of a stream (reliability.md 3.3)."""
    _, _, body = render(error, dialect=dialect, request_id=request_id)
    return sse.event(body, name="error" if dialect == ANTHROPIC else "")
