"""F22: a redirect takes neither the key nor the request elsewhere."""

from pathlib import Path

import pytest

from tests.faults.harness import FORMATS, calls
from tokenhub.sim.fault import Fault

pytestmark = pytest.mark.anyio

SECRET = "sk-of-the-first"
METADATA = "http://169.254.169.254/latest/meta-data/"
# The address as /proc/net/tcp has it: hexadecimal, the lowest byte first.
METADATA_HEX = "FEA9FEA9:"


def sockets():
    """What this machine is connected to, or tries to be."""
    return Path("/proc/net/tcp").read_text(encoding="ascii")


@pytest.fixture
def elsewhere(second):
    """Where a redirect leads, by its name."""
    return {
        "another origin": f"{second.url}/v1/messages",
        "its own origin": "/v1/messages",
        "the metadata service": METADATA,
    }


@pytest.mark.parametrize("status", [302, 307])
@pytest.mark.parametrize("vendor", FORMATS)
@pytest.mark.parametrize("where", ["another origin", "its own origin", "the metadata service"])
@pytest.mark.parametrize("stream", [False, True])
async def test_f22_a_redirect_is_a_502(  # noqa: PLR0917 - a table of cases
    bench, sim, second, elsewhere, figure, status, vendor, where, stream
):
    await bench.provider("one", sim, type=vendor, api_key=SECRET)
    # It may be asked once more.
    sim.next(*[Fault.redirect(elsewhere[where], status=status)] * 4)

    ack = await bench.ask(stream=stream)

    seen = [request for request in second.requests if request.key()]
    figure("F22", "keys seen elsewhere", len(seen))
    figure("F22", "calls seen elsewhere", len(second.requests))
    assert (502, "upstream_invalid_response") == (ack.status, ack.code)
    assert [] == second.requests
    assert calls(sim) <= 2
    assert "location" not in ack.answer.headers
    assert elsewhere[where] not in ack.answer.text
    assert METADATA_HEX not in sockets()


@pytest.mark.parametrize("ask", ["discover", "test"])
async def test_f22_an_operators_call_is_no_way_around_it(bench, sim, second, ask):
    await bench.provider("one", sim, api_key=SECRET)
    sim.next(Fault.redirect(f"{second.url}/v1/models"), path="/v1/models")
    token = {"authorization": "Bearer tha_0123456789abcdef0123456789abcdef"}

    await bench.hub.http.request(
        "GET" if ask == "discover" else "POST",
        f"/admin/v1/providers/{bench.id('one')}/{ask}",
        headers=token,
    )

    assert (1, 0) == (len(sim.requests), len(second.requests))
