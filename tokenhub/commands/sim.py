"""`tokenhub sim`: one simulated provider, until it is stopped."""

import asyncio
import signal
from pathlib import Path

import msgspec
import uvloop
from msgspec.structs import replace

from tokenhub.commands.environment import complain
from tokenhub.sim import app, profile
from tokenhub.sim.profile import Profile


def run(listen: str, *, profile_file: str, seed: int | None) -> int:
    """Serve the profile. Exit code 1 where the port is taken, 2 for a bad profile."""
    try:
        behaviour = profile.decode(Path(profile_file).read_bytes())
    except OSError as error:
        complain(f"cannot read {profile_file}: {error.strerror}")
        return 2
    except msgspec.DecodeError as error:
        complain(f"{profile_file}: {error}")
        return 2
    if seed is not None:
        behaviour = replace(behaviour, seed=seed)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_serve(listen, behaviour))
    except ValueError as error:
        complain(str(error))
        return 2
    except OSError as error:
        complain(f"cannot listen on {listen}: {error.strerror or error}")
        return 1
    return 0


async def _serve(listen: str, behaviour: Profile) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)

    def greet(port: int) -> None:
        host = listen.rpartition(":")[0] or "localhost"
        print(f"SIMULATION of {behaviour.name}: ready at http://{host}:{port}", flush=True)

    await app.serve(listen, behaviour, ready=greet, stop=stop)
