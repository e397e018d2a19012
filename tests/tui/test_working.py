"""Work beside a screen."""

import pytest
from textual.app import App

from tokenhub_tui.working import beside

pytestmark = pytest.mark.anyio


async def test_whatever_gives_something_to_await_is_carried_out() -> None:
    done: list[str] = []

    async def note(word: str) -> None:
        done.append(word)

    app: App[None] = App()
    async with app.run_test():
        beside(app, lambda: note("a lambda"), group="notes")
        await app.workers.wait_for_complete()

    assert ["a lambda"] == done
