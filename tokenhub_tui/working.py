"""Work beside the screen. It posts messages, or awaits answers; it ends with whom it is for."""

from collections.abc import Awaitable, Callable
from typing import Any, cast

from textual.dom import DOMNode

from tokenhub_tui.messages import Broken


def beside(
    node: DOMNode, what: Callable[[], Awaitable[Any]], *, group: str, exclusive: bool = True
) -> None:
    """Let `what` run for a node; with `exclusive`, in the place of what its group did until now.

    `what` is called, not awaited here: a coroutine of a worker that never began would be a warning.
    """

    # Textual itself takes no lambda, and does not say so.
    async def told() -> None:
        try:
            await what()
        except Exception as error:  # noqa: BLE001 - a worker that ends without a word helps nobody
            node.post_message(Broken(error))

    node.run_worker(
        cast("Callable[[], Any]", told), group=group, exclusive=exclusive, exit_on_error=False
    )
