import pytest

from tokenhub.core.errors import BadRequest
from tokenhub.core.urls import addresses, base_url, normalised, origin


@pytest.mark.parametrize(
    ("expected", "given"),
    [
        ("https://h", "https://h/v1/"),
        ("https://h", "https://h/v2"),
        ("https://h/api", "https://h/api/v1"),
        ("https://h/v1beta", "https://h/v1beta"),
        ("https://h", "https://h/v2/v1"),
        ("https://h/v1", "https://h/v1/v2"),
        ("https://h", "  https://h/// "),
        ("http://v1", "http://v1"),
        ("http://[::1]:8000", "http://[::1]:8000/v1"),
    ],
)
def test_golden_vectors_of_the_original(expected, given):
    assert expected == normalised(given)
    assert expected == base_url(given)


@pytest.mark.parametrize(
    "given",
    [
        "",
        "h",
        "ftp://h",
        "file:///etc/passwd",
        "https://",
        "https:///v1",
        "https://u:p@h",
        "https://u@h",
        "https://h?key=1",
        "https://h?",
        "https://h/#f",
        "https://h:99999",
        "https://h:0",
        "https://h:x",
        "https://[::1",
        "https://h\n/v1",
        "https://h /v1",
        "https://h\\@evil",
        "https://" + "h" * 3000,
    ],
)
def test_what_is_no_base_url_is_refused_naming_the_field(given):
    with pytest.raises(BadRequest) as refused:
        base_url(given, field="endpoints[1]")

    assert "endpoints[1]" == refused.value.field


def test_secrets_in_a_url_are_not_echoed():
    with pytest.raises(BadRequest) as refused:
        base_url("https://user:hunter2@h")

    assert "hunter2" not in str(refused.value)


def test_the_first_endpoint_is_the_base_url_where_none_is_given():
    assert ("http://a", ("http://a", "http://b")) == addresses(
        "", ("http://a/v1", "http://b/"), several=True
    )


def test_the_base_url_leads_its_endpoints_and_none_comes_twice():
    assert ("http://b", ("http://b", "http://a")) == addresses(
        "http://b", ("http://a", "http://b/v1"), several=True
    )


def test_several_endpoints_need_a_type_that_can_take_turns():
    with pytest.raises(BadRequest) as refused:
        addresses("http://a", ("http://b",), several=False)

    assert "endpoints" == refused.value.field


def test_some_address_must_be_given():
    with pytest.raises(BadRequest) as refused:
        addresses(" ", (), several=True)

    assert "base_url" == refused.value.field


@pytest.mark.parametrize(
    ("expected", "url"),
    [
        (("https", "h", 443), "https://h"),
        (("https", "h", 443), "https://H:443/some/path"),
        (("http", "h", 80), "http://h/v1"),
        (("http", "h", 8000), "http://h:8000"),
        (("http", "::1", 80), "http://[::1]"),
    ],
)
def test_an_origin_is_scheme_host_and_port(expected, url):
    assert expected == origin(url)
