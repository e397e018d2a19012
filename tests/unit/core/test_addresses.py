"""Who a request is from: the peer, unless a trusted one names another."""

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenhub.core.addresses import NOBODY, address_of, bucket, caller, networks, trusted

PROXIES = networks("10.0.0.0/8, 2001:db8:ffff::1")
NEAR = ip_address("10.0.0.1")
FAR = ip_address("203.0.113.9")
XFF, FORWARDED, REAL = b"x-forwarded-for", b"forwarded", b"x-real-ip"


@pytest.mark.parametrize(
    ("expected", "text"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("192.0.2.1", " 192.0.2.1:4711 "),
        ("192.0.2.1", "::ffff:192.0.2.1"),
        ("192.0.2.1", "[::ffff:c000:201]:80"),
        ("2001:db8:1:2::/64", "2001:db8:1:2::1"),
        ("2001:db8:1:2::/64", "[2001:DB8:1:2:ffff:ffff:ffff:ffff]:443"),
        ("2001:db8:1:3::/64", "2001:db8:1:3::1"),
        ("fe80::/64", "fe80::1%eth0"),
        ("::/64", "::1"),
    ],
)
def test_an_address_is_counted_by_itself_and_ipv6_by_its_64(expected: str, text: str) -> None:
    assert expected == bucket(address_of(text))


@pytest.mark.parametrize(
    "text", ["", "unknown", "_hidden", "1.2.3", "1.2.3.256", "01.2.3.4", "::1::", "[", "1:2"]
)
def test_what_is_no_address_is_nobodys(text: str) -> None:
    assert address_of(text) is None
    assert NOBODY == bucket(address_of(text))


@pytest.mark.parametrize(
    ("expected", "headers"),
    [
        ("203.0.113.9", [(XFF, b"203.0.113.9")]),
        ("203.0.113.9", [(XFF, b"1.1.1.1, 203.0.113.9")]),
        ("203.0.113.9", [(XFF, b"1.1.1.1, 203.0.113.9, 10.2.3.4")]),
        ("203.0.113.9", [(XFF, b"1.1.1.1"), (XFF, b"203.0.113.9"), (XFF, b"10.2.3.4")]),
        ("10.2.3.4", [(XFF, b"1.1.1.1, garbage, 10.2.3.4")]),
        ("10.9.9.9", [(XFF, b"10.9.9.9, 10.2.3.4")]),
        ("10.0.0.1", [(XFF, b"1.1.1.1, \xff\xfe")]),
        ("10.0.0.1", [(XFF, b"203.0.113.9,")]),
        ("10.0.0.1", [(XFF, b" ")]),
        ("10.0.0.1", []),
        ("203.0.113.9", [(FORWARDED, b"for=1.1.1.1;by=x, proto=https;For=203.0.113.9")]),
        ("2001:db8:cafe::17", [(FORWARDED, b'for="[2001:db8:cafe::17]:4711"')]),
        ("203.0.113.9", [(FORWARDED, b'for="1.1.1.1, for=203.0.113.9')]),
        ("10.0.0.1", [(FORWARDED, b"for=1.1.1.1, proto=https")]),
        ("10.0.0.1", [(FORWARDED, b"for=unknown")]),
        ("203.0.113.9", [(REAL, b"203.0.113.9")]),
        ("10.0.0.1", [(REAL, b"203.0.113.9, 1.1.1.1")]),
        ("203.0.113.9", [(REAL, b"1.1.1.1"), (FORWARDED, b"for=2.2.2.2"), (XFF, b"203.0.113.9")]),
        ("203.0.113.9", [(REAL, b"1.1.1.1"), (FORWARDED, b"for=203.0.113.9")]),
        ("203.0.113.9", [(XFF, b"203.0.113.9, ::ffff:10.1.1.1")]),
    ],
)
def test_a_trusted_peer_names_the_caller(expected: str, headers: list[tuple[bytes, bytes]]) -> None:
    assert expected == str(caller(NEAR, headers, PROXIES))


@pytest.mark.parametrize("header", [XFF, FORWARDED, REAL])
def test_a_stranger_is_counted_whatever_they_say(header: bytes) -> None:
    for value in (b"1.1.1.1", b"10.0.0.1", b"for=1.1.1.1"):
        assert FAR is caller(FAR, [(header, value)], PROXIES)
        assert NEAR is caller(NEAR, [(header, value)], ())


def test_a_caller_without_an_address_is_not_believed() -> None:
    assert caller(None, [(XFF, b"1.1.1.1")], PROXIES) is None


def test_a_chain_without_end_is_not_read_to_its_end() -> None:
    found = caller(NEAR, [(XFF, b"10.0.0.2," * 5_000 + b"10.0.0.3")], PROXIES)

    assert "10.0.0.2" == str(found)


@given(st.binary(max_size=40), st.sampled_from([XFF, FORWARDED, REAL]))
def test_nothing_left_of_the_proxys_word_changes_the_caller(forged: bytes, header: bytes) -> None:
    said = b"for=203.0.113.9" if header == FORWARDED else b"203.0.113.9"
    value = said if header == REAL else forged + b", " + said

    assert FAR == caller(NEAR, [(header, value)], PROXIES)


@pytest.mark.parametrize(
    ("problem", "text"),
    [
        ("no address or network", "proxy.internal"),
        ("host bits", "10.0.0.5/8"),
        ("everybody", "0.0.0.0/0"),
        ("everybody", "::/0"),
        ("write it as IPv4", "::ffff:10.0.0.0/104"),
    ],
)
def test_a_network_that_cannot_be_meant_is_refused(problem: str, text: str) -> None:
    with pytest.raises(ValueError, match=problem):
        networks(f"127.0.0.1, {text}")


def test_trust_is_by_network_and_by_kind_of_address() -> None:
    inside = ["10.255.0.1", "::ffff:10.0.0.1", "2001:db8:ffff::1"]
    outside = ["11.0.0.1", "2001:db8:ffff::2", "nonsense"]

    assert [True] * 3 + [False] * 3 == [
        trusted(address_of(text), PROXIES) for text in inside + outside
    ]
