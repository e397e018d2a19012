"""Calls about the server itself."""

from tokenhub.client.call import Call
from tokenhub.wire.catalog import Health, Info, Readiness


def info() -> Call[Info]:
    """Version, uptime and what is there; needs the admin token."""
    return Call(method="GET", path="/admin/v1/info", returns=Info)


def healthz() -> Call[Health]:
    """Whether the process lives; open to all."""
    return Call(method="GET", path="/healthz", returns=Health)


def readyz() -> Call[Readiness]:
    """Whether requests can be served now, and why not; open to all."""
    return Call(method="GET", path="/readyz", returns=Readiness, accepts=(503,))


def metrics() -> Call[bytes]:
    """What is measured, in the text format of Prometheus; open, unless the server is closed."""
    return Call(method="GET", path="/metrics", returns=bytes)
