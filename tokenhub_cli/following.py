"""What comes as it happens, until there is enough of it, the time is over, or somebody leaves."""

from collections.abc import Callable, Sequence
from contextlib import aclosing, suppress
from typing import TYPE_CHECKING, TypeVar

from tokenhub_cli.output import talk
from tokenhub_cli.session import Session

if TYPE_CHECKING:
    from tokenhub.client.link import Change, Missed
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
    elsewhere: str = "",
) -> None:
    """Hand over what comes, until `take` says that it is enough, or so many seconds are over.

    `elsewhere` says where to find what was missed.
    """
    import asyncio  # noqa: PLC0415 - 30 ms that lists need not

    from tokenhub.client.link import Missed, Retrying  # noqa: PLC0415 - msgspec: not for --help

    def told(change: "Change") -> None:
        if isinstance(change, Retrying) and change.wait_s > _TOLD_WAIT_S:
            talk(f"connecting again in {change.wait_s:.1f}s: {change.why}")
        elif isinstance(change, Missed):
            talk(f"warning: {_said(change)}{elsewhere}")

    async def run() -> None:
        async with (
            asyncio.timeout(for_s),
            tokenhub.listener() as client,
            aclosing(client.stream(stream, told)) as portions,
        ):
            async for rows in portions:
                if take(rows):
                    return

    tokenhub.printed(stream.opening)
    with suppress(TimeoutError):
        asyncio.run(run())


def _said(missed: "Missed") -> str:
    if missed.count is None:
        return "events may have been missed; the server was started anew, or is another one"
    were = f"{missed.count} event{'s were' if missed.count > 1 else ' was'} missed; "
    if missed.after_id:
        return were + "the server does not keep so many"
    return were + "they came faster than they were read"
