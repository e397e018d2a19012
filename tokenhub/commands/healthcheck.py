"""`tokenhub healthcheck`: whether the server on this machine is alive, for containers."""

import http.client
from http import HTTPStatus

from tokenhub.commands.environment import complain, current
from tokenhub.settings import Address, SettingsRefused

# Below the five seconds that container runtimes and the original's compose file allow.
TIMEOUT_S = 4.0


def run() -> int:
    """Exit code 0 where GET /healthz answers 200, else 1; 2 where the settings are refused."""
    try:
        address = current().listen_addr
    except SettingsRefused as error:
        complain(*error.problems)
        return 2
    if (status := _status(address)) == HTTPStatus.OK:
        return 0
    complain(f"{address.local_url}/healthz answered {status}")
    return 1


def _status(address: Address) -> int | str:
    """The status of /healthz, or in words why there is none."""
    connection = http.client.HTTPConnection(address.local_host, address.port, timeout=TIMEOUT_S)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status
    except OSError as error:
        return f"nothing: {error.strerror or error}"
    except http.client.HTTPException:
        return "something that is not HTTP"
    finally:
        connection.close()
