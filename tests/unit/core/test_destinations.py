"""Where calls may go: addresses in all the forms that they are written in."""

from ipaddress import ip_address

import pytest

from tokenhub.core.destinations import Destinations, canonical, destinations, literal

NONE = Destinations()
ALL = destinations("0.0.0.0/0, ::/0, *.internal, metadata, localhost")

# Each stands for the URL `http://HOST/v1`. Together with NAMES and FINE they are the corpus.
FORBIDDEN = [
    "169.254.169.254",
    "169.254.170.2",
    "169.254.0.1",
    "2852039166",
    "0xA9FEA9FE",
    "0xa9.0xfe.0xa9.0xfe",
    "0251.0376.0251.0376",
    "169.254.43518",
    "169.16689662",
    "[::ffff:169.254.169.254]",
    "[::ffff:a9fe:a9fe]",
    "[::169.254.169.254]",
    "[::ffff:0:169.254.169.254]",
    "[2002:a9fe:a9fe::1]",
    "[64:ff9b::169.254.169.254]",
    "[2001:0:4136:e378:8000:63bf:5601:5601]",
    "\uff11\uff16\uff19.\uff12\uff15\uff14.\uff11\uff16\uff19.\uff12\uff15\uff14",
    "169\u3002254\u3002169\u3002254",
    "169.254.169.254.",
    "[fd00:ec2::254]",
    "[FD00:EC2:0:0:0:0:0:254]",
    "[fd20:ce::254]",
    "[fe80::1]",
    "[fe80::1%25eth0]",
    "100.100.100.200",
    "168.63.129.16",
    "192.0.0.192",
    "0.0.0.0",
    "0",
    "0.1.2.3",
    "[::]",
    "224.0.0.1",
    "239.255.255.250",
    "[ff02::1]",
    "255.255.255.255",
    "240.0.0.1",
]
PRIVATE = [
    "127.0.0.1",
    "127.1",
    "127.255.255.254",
    "2130706433",
    "0x7f000001",
    "0x7f.1",
    "017700000001",
    "0177.0.0.1",
    "[::1]",
    "[0:0:0:0:0:0:0:1]",
    "[::ffff:127.0.0.1]",
    "[2002:7f00:1::]",
    "[64:ff9b::7f00:1]",
    "10.0.0.1",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "3232235777",
    "100.64.0.1",
    "198.18.0.1",
    "192.0.0.8",
    "192.0.0.170",
    "[fd12:3456:789a::1]",
    "[fec0::1]",
    "[64:ff9b:1::a00:1]",
    "[2001:db8::1]",
]
FORBIDDEN_NAMES = ["metadata.google.internal", "METADATA.Google.Internal.", "metadata"]
LOCAL_NAMES = ["localhost", "LOCALHOST.", "api.localhost"]
FINE = [
    "api.openai.com",
    "8.8.8.8",
    "134744072",
    "172.32.0.1",
    "100.128.0.1",
    "[2606:4700::1111]",
    "[::ffff:8.8.8.8]",
    "[64:ff9b::8.8.8.8]",
    "[2002:808:808::1]",
    "gpu1",
    "127.0.0.1.example.com",
]


@pytest.mark.parametrize("host", FORBIDDEN + FORBIDDEN_NAMES)
@pytest.mark.parametrize("listed", [NONE, ALL], ids=["nothing listed", "all listed"])
def test_metadata_and_what_is_no_host_are_refused_whatever_is_listed(host, listed):
    assert "no call may go" in listed.objection(host)


@pytest.mark.parametrize("host", PRIVATE + LOCAL_NAMES)
def test_a_private_address_is_refused_with_the_setting_that_would_let_it_pass(host):
    assert "add " in NONE.objection(host)
    assert "TOKENHUB_ALLOWED_PRIVATE_HOSTS" in NONE.objection(host)
    assert "" == ALL.objection(host)


@pytest.mark.parametrize("host", FINE)
def test_what_is_public_or_not_known_yet_passes(host):
    assert "" == NONE.objection(host)


def test_the_refusal_names_the_host_that_is_to_be_added():
    found = NONE.refusal("Ollama.lan.", ip_address("192.168.1.9"))

    assert (
        "ollama.lan (192.168.1.9) is a private address; if a provider of yours is there, add "
        "ollama.lan to TOKENHUB_ALLOWED_PRIVATE_HOSTS in the server's environment or its "
        'server.env, and start it again or, for server.env, "tokenhubctl reload"' == found
    )


@pytest.mark.parametrize(
    ("expected", "listed", "host", "address"),
    [
        (True, "10.0.0.0/8", "gpu1", "10.1.2.3"),
        (True, "10.0.0.0/8", "gpu1", "::ffff:10.1.2.3"),
        (False, "10.0.0.0/8", "gpu1", "192.168.0.1"),
        (True, "gpu1", "gpu1", "192.168.0.1"),
        (True, "gpu1", "GPU1.", "192.168.0.1"),
        (False, "gpu1", "gpu2", "192.168.0.1"),
        (False, "gpu1", "gpu1.example.com", "192.168.0.1"),
        (True, "*.svc.cluster.local", "vllm.ai.svc.cluster.local", "10.96.0.9"),
        (False, "*.svc.cluster.local", "svc.cluster.local", "10.96.0.9"),
        (True, "[::1]", "localhost", "::1"),
        (False, "::1", "localhost", "127.0.0.1"),
        (False, "gpu1", "gpu1", "169.254.169.254"),
        (False, "0.0.0.0/0", "gpu1", "169.254.169.254"),
        (True, "", "api.openai.com", "104.18.7.192"),
    ],
)
def test_what_is_listed_is_let_through(expected, listed, host, address):
    assert expected is (destinations(listed).refusal(host, ip_address(address)) == "")


@pytest.mark.parametrize(
    "text",
    [
        "10.0.0.1/8",
        "10.0.0",
        "0x7f.1",
        "http://gpu1",
        "gpu1:8000",
        "a b",
        "169.254.169.254",
        "fe80::/64",
        "224.0.0.0/4",
        "::",
        "-x",
        "*",
        "a.*",
    ],
)
def test_a_list_with_what_is_no_host_is_refused(text):
    with pytest.raises(ValueError, match=r"is no |is link-local|is multicast"):
        destinations(f"gpu1, {text}")


@pytest.mark.parametrize(
    "host", ["", "1.2.3.4.5", "256.1.1.1", "1.2.3.256", "0x1g", "1..2", "09", "4294967296", "-1"]
)
def test_what_only_looks_like_numbers_is_a_name(host):
    assert literal(canonical(host)) is None
