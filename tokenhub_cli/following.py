"""What comes as it happens, until there is enough of it, the time is over, or somebody leaves."""

from collections.abc import Callable, Sequence
from contextlib import aclosing, suppress
from typing import TYPE_CHECKING, TypeVar

from tokenhub_cli.output import talk
from tokenhub_cli.session import Session

if TYPE_CHECKING:
    from tokenhub.client.stream import Stream

T = TypeVar("T")
# A connection that is lost for less is nothing to be told of: a server that restarts.
_TOLD_WAIT_S = 0.4


def follow(
    tokenhub: Session,
    stream: "Stream[T]",
    take: Callable[[Sequence[T]], bool],
    *,
    for_s: float | None = None,
) -> None:
    """Hand over what comes, until `take` says that it is enough, or so many seconds are over."""
    import asyncio  # noqa: PLC0415 - 30 ms that lists need not

    async def run() -> None:
        async with (
            asyncio.timeout(for_s),
            tokenhub.listener() as client,
            aclosing(client.stream(stream, _lost)) as portions,
        ):
            async for rows in portions:
                if take(rows):
                    return

    tokenhub.printed(stream.call)
    with suppress(TimeoutError):
        asyncio.run(run())


def _lost(why: str, wait_s: float) -> None:
    if wait_s > _TOLD_WAIT_S:
        talk(f"connecting again in {wait_s:.1f}s: {why}")
