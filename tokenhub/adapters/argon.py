"""Argon2id in a thread of its own: on the loop it would stall everybody for a quarter second.

One thread, so that attackers buy one buffer of 64 MiB at most, however many they send.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter
from typing import TypeVar, TypeVarTuple

from argon2.low_level import Type, hash_secret_raw

from tokenhub.core.vault.keyring import KEY_BYTES
from tokenhub.core.vault.rows import LEAST, MOST_PASSES, SALT_BYTES, Stretch

T = TypeVar("T")
Given = TypeVarTuple("Given")

# What a new password is to cost at least (reliability.md 4.2).
LEAST_S = 0.25


class Argon:
    """A Stretcher. `least` and `least_s` are what a new password costs, the larger of both."""

    def __init__(self, *, least: Stretch = LEAST, least_s: float = LEAST_S) -> None:
        self._least = least
        self._least_s = least_s
        self._cost: Stretch | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="argon2")

    async def cost(self) -> Stretch:
        if self._cost is None:
            self._cost = await self._run(_calibrated, self._least, self._least_s)
        return self._cost

    async def stretched(self, password: bytes, *, salt: bytes, cost: Stretch) -> bytes:
        return await self._run(stretch, password, salt, cost)

    async def close(self) -> None:
        """Wait for what is under way."""
        await asyncio.to_thread(self._thread.shutdown)

    async def _run(self, work: Callable[[*Given], T], *given: *Given) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work, *given)


def stretch(password: bytes, salt: bytes, cost: Stretch) -> bytes:
    """What Argon2id (RFC 9106, version 1.3) makes of a password: 32 bytes."""
    return hash_secret_raw(
        password,
        salt,
        time_cost=cost.passes,
        memory_cost=cost.memory_kib,
        parallelism=cost.lanes,
        hash_len=KEY_BYTES,
        type=Type.ID,
    )


def _calibrated(least: Stretch, least_s: float) -> Stretch:
    """`least`, with more passes where they take less than `least_s` on this machine."""
    if not least_s:
        return least
    began = perf_counter()
    stretch(b"", bytes(SALT_BYTES), least)
    each_s = (perf_counter() - began) / least.passes
    passes = min(MOST_PASSES, max(least.passes, -int(-least_s // each_s)))
    return Stretch(passes=passes, memory_kib=least.memory_kib, lanes=least.lanes)
