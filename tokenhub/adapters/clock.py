"""The system's clock."""

import asyncio
import time


class SystemClock:
    def now(self) -> float:
        return time.time()  # noqa: TID251 - this is the clock that others take

    def monotonic(self) -> float:
        return time.monotonic()  # noqa: TID251 - this is the clock that others take

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
