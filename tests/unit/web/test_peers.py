import pytest

from tokenhub.core.addresses import networks
from tokenhub.web.peers import Peers


@pytest.mark.parametrize(
    ("expected", "peer", "headers"),
    [
        ("192.0.2.1", "192.0.2.1", {"x_forwarded_for": "10.0.0.1"}),
        ("10.0.0.1", "192.0.2.9", {"x_forwarded_for": "1.1.1.1, 10.0.0.1"}),
        ("192.0.2.1", "::ffff:192.0.2.1", {}),
        ("2001:db8::1", "2001:db8::1", {}),
        ("None", None, {}),
    ],
)
def test_peers_are_found_as_the_door_counts_them(expected, peer, headers):
    peers = Peers(networks("192.0.2.9"))
    named = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    client = None if peer is None else (peer, 4711)

    assert expected == str(peers.address({"client": client, "headers": named}))
