"""Keep a job running: one that fails is started again, and never takes the server with it."""

import logging
from collections.abc import Awaitable, Callable

from tokenhub.ports.clock import Clock

FIRST_REST_S = 1.0
LONGEST_REST_S = 300.0
_log = logging.getLogger("tokenhub.jobs")


async def kept(name: str, job: Callable[[], Awaitable[None]], *, clock: Clock) -> None:
    """Run a job until it returns or is cancelled.

    After a failure it rests a second, twice as long each time after, up to five minutes; a job
    that has run for longer than that begins anew.
    """
    rest_s = FIRST_REST_S
    while True:
        began = clock.monotonic()
        try:
            await job()
        except Exception:  # noqa: BLE001 - a fault of a job must not end the server it serves
            _log.exception("job_failed", extra={"job": name})
        else:
            return
        if clock.monotonic() - began > LONGEST_REST_S:
            rest_s = FIRST_REST_S
        await clock.sleep(rest_s)
        rest_s = min(2 * rest_s, LONGEST_REST_S)
