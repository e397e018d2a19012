import pytest

from tokenhub.core.errors import OutOfScope, TokenHubError
from tokenhub.web.origins import check_host, check_same_site, encrypted, host_of

KNOWN = frozenset({"localhost", "127.0.0.1", "::1", "hub.example"})
JSON = {"content-type": "application/json"}
HOST = {"host": "localhost:8080"}


@pytest.mark.parametrize(
    "host",
    ["localhost", "LOCALHOST:8080", "127.0.0.1:1", "[::1]", "[::1]:8080", "hub.example."],
)
def test_our_names_are_known_however_they_are_written(host):
    check_host([(b"host", host.encode())], KNOWN)


@pytest.mark.parametrize(
    "hosts",
    [
        [],
        [""],
        ["evil.example"],
        ["localhost.evil.example"],
        ["evil.example:8080"],
        ["hub.example@evil.example"],
        ["localhost, evil.example"],
        ["localhost", "localhost"],
        ["localhost", "evil.example"],
        ["[::2]"],
        ["127.0.0.1.evil.example"],
        ["0x7f.1"],
        ["localhost:80@evil.example"],
        ["localhost:evil.example"],
        ["[::1]evil.example"],
        ["[::1]:80:evil.example"],
    ],
)
def test_any_other_name_is_refused(hosts):
    with pytest.raises(OutOfScope) as refused:
        check_host([(b"host", host.encode()) for host in hosts], KNOWN)

    assert "host_not_allowed" == refused.value.code


@pytest.mark.parametrize(
    ("expected", "text"),
    [("h", "h:1"), ("::1", "[::1]:1"), ("", ""), ("h", " H. "), ("1.2.3.4", "1.2.3.4")],
)
def test_the_host_is_a_name_alone(expected, text):
    assert expected == host_of(text)


def verdict(method, **headers):
    """Empty where the request may come with a cookie, else why not."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    try:
        check_same_site(method, HOST | named)
    except TokenHubError as error:
        return error.code
    return ""


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize(
    ("expected", "headers"),
    [
        ("", {"sec_fetch_site": "same-origin"}),
        ("", {"sec_fetch_site": "none"}),
        ("cross_site", {"sec_fetch_site": "same-site"}),
        ("cross_site", {"sec_fetch_site": "cross-site"}),
        ("cross_site", {"sec_fetch_site": "cross-site", "origin": "http://localhost:8080"}),
        ("cross_site", {"sec_fetch_site": "nonsense"}),
        ("", {"origin": "http://localhost:8080"}),
        ("cross_site", {"origin": "http://localhost:9090"}),
        ("cross_site", {"origin": "http://evil.example"}),
        ("cross_site", {"origin": "null"}),
        ("cross_site", {}),
    ],
)
def test_a_change_must_be_said_to_come_from_a_page_of_ours(method, expected, headers):
    assert expected == verdict(method, content_type="application/json; charset=utf-8", **headers)


@pytest.mark.parametrize(
    "kind", ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data"]
)
def test_a_change_must_have_a_media_type_that_no_form_can_send(kind):
    found = verdict("POST", sec_fetch_site="same-origin", content_type=kind)

    assert "unsupported_media_type" == found


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(
    ("expected", "headers"),
    [
        ("", {}),
        ("", {"sec_fetch_site": "none"}),
        ("", {"sec_fetch_site": "same-origin"}),
        ("cross_site", {"sec_fetch_site": "cross-site"}),
        ("cross_site", {"sec_fetch_site": "same-site"}),
        ("cross_site", {"origin": "http://evil.example"}),
    ],
)
def test_a_reading_may_not_be_said_to_come_from_elsewhere(method, expected, headers):
    assert expected == verdict(method, **headers)


@pytest.mark.parametrize(
    ("expected", "headers"),
    [
        (False, {}),
        (False, {"x-forwarded-proto": "http"}),
        (True, {"x-forwarded-proto": "https"}),
        (True, {"x-forwarded-proto": "HTTPS, http"}),
        (True, {"origin": "https://hub.example"}),
        (False, {"origin": "http://hub.example"}),
    ],
)
def test_tls_before_a_proxy_is_seen(expected, headers):
    assert expected == encrypted(headers)


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    "origin",
    [
        "http://[",
        "http://[::1",
        "https://a]b",
        "http://[x]:1",
        "://",
        "null",
        "localhost:8080",
        "/",
    ],
)
def test_an_origin_that_is_none_is_that_of_another_site(method, origin):
    assert "cross_site" == verdict(method, origin=origin)
