"""F24: a provider whose certificate proves nothing is not spoken to."""

import datetime as dt
import ssl

import pytest
import trustme

from tests.faults.harness import Bench, kinds, states
from tests.faults.test_answers import GOOD
from tests.faults.wires import Wire
from tests.support.server import child
from tokenhub.settings import SETTINGS

pytestmark = pytest.mark.anyio

HOST = "localhost"
LONG_AGO = dt.datetime(2001, 1, 1, tzinfo=dt.UTC)
LATELY = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)
FAR_OFF = dt.datetime(2200, 1, 1, tzinfo=dt.UTC)
BAD = ["expired", "not yet valid", "wrong host", "unknown CA", "self-signed"]


@pytest.fixture(scope="module")
def certificates():
    """The CA that the server trusts, and contexts of servers with certificates of all kinds."""
    ours, theirs = trustme.CA(), trustme.CA()
    issued = {
        "good": ours.issue_cert(HOST),
        "expired": ours.issue_cert(HOST, not_before=LONG_AGO, not_after=LATELY),
        "not yet valid": ours.issue_cert(HOST, not_before=FAR_OFF, not_after=FAR_OFF.replace(2201)),
        "wrong host": ours.issue_cert("another.test"),
        "unknown CA": theirs.issue_cert(HOST),
    }
    contexts = {name: ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER) for name in [*issued, "self-signed"]}
    for name, certificate in issued.items():
        certificate.configure_cert(contexts[name])
    # The certificate of a CA is the one that it has signed itself.
    with theirs.cert_pem.tempfile() as cert, theirs.private_key_pem.tempfile() as key:
        contexts["self-signed"].load_cert_chain(cert, key)
    return ours, contexts


@pytest.fixture(scope="module")
async def trusting(tmp_path_factory, certificates):
    """A server whose machine trusts our CA."""
    folder = tmp_path_factory.mktemp("trusting")
    ours, _ = certificates
    ours.cert_pem.write_to_path(folder / "ca.pem")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSL_CERT_FILE", str(folder / "ca.pem"))
        async with child(folder) as hub:
            yield hub


@pytest.fixture
async def trusted(trusting, numbers):
    bench = Bench(trusting, await trusting.key(), next(numbers))
    yield bench
    await bench.leave()


async def test_f24_a_good_certificate_is_let_in(trusted, certificates):
    """So that what the others are refused for is what is wrong with them."""
    async with Wire({"it": (GOOD,)}, tls=certificates[1]["good"]) as wire:
        await trusted.provider("one", wire.url("it", host=HOST), api_key="sk-tls")

        ack = await trusted.ask()

    assert (200, 1) == (ack.status, len(wire.heads))
    assert b"sk-tls" in wire.heads[0]


@pytest.mark.parametrize("what", BAD)
@pytest.mark.parametrize("stream", [False, True])
async def test_f24_a_bad_certificate_is_refused(trusted, certificates, figure, what, stream):
    async with Wire({"it": (GOOD,)}, tls=certificates[1][what]) as wire:
        await trusted.provider("one", wire.url("it", host=HOST), api_key="sk-tls")

        ack = await trusted.ask(stream=stream)

        figure("F24", "refused after", ack.seconds * 1000, "ms")
        figure("F24", "requests seen", len(wire.heads))
        assert (502, "upstream_unreachable") == (ack.status, ack.code)
        assert [] == wire.heads
        row = await trusted.row(ack)
        assert ({"unreachable"}, {"voided"}) == (set(kinds(row)), set(states(row)))


@pytest.mark.parametrize("what", BAD)
async def test_f24_another_provider_answers(trusted, certificates, second, what):
    async with Wire({"it": (GOOD,)}, tls=certificates[1][what]) as wire:
        await trusted.both(wire.url("it", host=HOST), second)

        ack = await trusted.ask()

    assert (200, "two") == (ack.status, ack.provider)


def test_f24_no_switch_turns_it_off():
    words = ("VERIFY", "INSECURE", "TLS", "SSL", "CERT")

    assert [] == [one.name for one in SETTINGS if any(word in one.name for word in words)]
