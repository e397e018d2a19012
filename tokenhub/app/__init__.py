"""The composition root: the one package that knows everything, and the only one that may.

`assembly` wires the server and takes it apart again; `data_plane` makes the way of requests of
settings, at the start and at each reload; `doors` puts the front door before it, `beside` runs
the jobs, and `server` is all of it behind ASGI's lifespan.
"""

from tokenhub.adapters.files import read_private
from tokenhub.adapters.sqlite import offline
from tokenhub.adapters.telemetry.logging import log_strays, start_logging
from tokenhub.app.assembly import assembled
from tokenhub.app.doors import front
from tokenhub.app.server import App, create_app
from tokenhub.app.tools import import_original, verified_vault

__all__ = [
    "App",
    "assembled",
    "create_app",
    "front",
    "import_original",
    "log_strays",
    "offline",
    "read_private",
    "start_logging",
    "verified_vault",
]
