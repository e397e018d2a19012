"""Looking again and again, until something is so or the time is over."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from tokenhub_cli.session import Session

if TYPE_CHECKING:
    from tokenhub.client.transport import AsyncClient


def came_true(
    tokenhub: Session,
    look: Callable[["AsyncClient"], Awaitable[bool]],
    *,
    limit_s: float,
    every_s: float,
) -> bool:
    """Whether `look` said so within the time; a look that takes longer is cut off.

    With a limit of 0 it is looked once, for as long as an answer may take.
    """
    import asyncio  # noqa: PLC0415 - 30 ms that lists need not

    async def run() -> bool:
        async with tokenhub.listener() as client, asyncio.timeout(limit_s or None):
            while not (so := await look(client)) and limit_s:  # noqa: ASYNC110 - the server has no event for it
                await asyncio.sleep(every_s)
            return so

    try:
        return asyncio.run(run())
    except TimeoutError:
        return False
