"""The end of a server: what is under way has its time, and the rest is cut and told so."""

import asyncio
import logging
import socket

import uvicorn

from tokenhub.gateway.run import STOPPING

# How long those who are cut have to say so and to be settled.
CUT_S = 0.5
# How often it is looked whether all are through.
LOOK_S = 0.02

_log = logging.getLogger("tokenhub.web")


class Draining(uvicorn.Server):
    """uvicorn would take away what requests need before they have heard that they are cut."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take no more connections; end within the time to drain and CUT_S, and then close all."""
        for server in self.servers:
            server.close()
        for bound in sockets or ():
            bound.close()
        if not await self._through(self.config.timeout_graceful_shutdown or 0):
            _log.warning("drain_over", extra={"cut": len(self.server_state.tasks)})
            for task in tuple(self.server_state.tasks):
                task.cancel(STOPPING)
            await self._through(CUT_S)
        # What is left are callers who do not read: their requests are settled, or about to be.
        for connection in tuple(self.server_state.connections):
            if connection.transport is not None:
                connection.transport.abort()
        if not self.force_exit:
            await self.lifespan.shutdown()

    async def _through(self, within_s: float) -> bool:
        """Wait for all that is under way; whether it came to its end in time."""
        clock = asyncio.get_running_loop().time
        end = clock() + within_s
        state = self.server_state
        while not self.force_exit:
            # Whoever was connecting at the moment of the stop is no longer asked to begin.
            for connection in tuple(state.connections):
                connection.shutdown()
            if not (state.connections or state.tasks):
                return True
            if clock() >= end:
                return False
            await asyncio.sleep(LOOK_S)
        return True
