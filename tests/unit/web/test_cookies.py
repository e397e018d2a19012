import pytest

from tokenhub.core.errors import OutOfScope
from tokenhub.web import cookies
from tokenhub.web.cookies import PLAIN, SECURE, by_tls, session_in

ID = "ths_" + "a" * 64
OTHER = "ths_" + "b" * 64


@pytest.mark.parametrize(
    ("expected", "host", "cookie"),
    [
        (ID, "localhost:8080", f"{PLAIN}={ID}"),
        (ID, "[::1]:8080", f"other=1; {PLAIN}={ID}"),
        ("", "hub.example", f"{PLAIN}={ID}"),
        (ID, "hub.example", f"{SECURE}={ID}"),
        (ID, "localhost", f"{PLAIN}={OTHER}; {SECURE}={ID}"),
        ("", "localhost", ""),
        ("", "localhost", f"{PLAIN}=tha_not-a-session"),
        ("", "localhost", f"{PLAIN.upper()}={ID}"),
        ("", "localhost", "\x00;=;;"),
    ],
)
def test_a_cookie_is_read_where_nobody_else_could_have_put_it(expected, host, cookie):
    assert expected == session_in({"host": host, "cookie": cookie})


@pytest.mark.parametrize(
    "other", ['a={"x":1}', "a=[1]", "a=\xe9", "a b=c", "=1", "path", "path=/x", 'a="', "a", "a=b=c"]
)
def test_no_cookie_beside_it_hides_it(other):
    """Cookies know no ports: whatever else runs on the machine has its own sent along."""
    for line in (f"{other}; {PLAIN}={ID}", f"{PLAIN}={ID}; {other}", f"{PLAIN}={ID};{other}"):
        assert ID == session_in({"host": "localhost", "cookie": line})


def test_the_cookie_is_for_this_host_and_out_of_reach_of_scripts():
    secure = cookies.begun(ID, secure=True).to_header(header="")
    plain = cookies.begun(ID, secure=False).to_header(header="")

    for written in (secure, plain):
        parts = {part.strip().lower() for part in written.split(";")[1:]}
        assert {"httponly", "path=/", "samesite=strict", "max-age=43200"} <= parts
        assert not any(part.startswith("domain") for part in parts)
    assert secure.startswith(f"{SECURE}={ID};")
    assert "Secure" in secure
    assert plain.startswith(f"{PLAIN}={ID};")
    assert "Secure" not in plain


def test_signing_out_takes_both_away():
    gone = [cookie.to_header(header="") for cookie in cookies.ended()]

    assert [True, True] == ["Max-Age=0" in cookie for cookie in gone]
    assert [SECURE, PLAIN] == [cookie.partition("=")[0] for cookie in gone]


@pytest.mark.parametrize(
    ("expected", "headers"),
    [
        (False, {"host": "localhost:8080"}),
        (False, {"host": "127.0.0.1"}),
        (True, {"host": "localhost", "x-forwarded-proto": "https"}),
        (True, {"host": "hub.example", "x-forwarded-proto": "https"}),
    ],
)
def test_without_tls_a_session_is_for_the_machine_itself(expected, headers):
    assert expected == by_tls(headers)


def test_without_tls_no_other_machine_gets_a_session():
    with pytest.raises(OutOfScope) as refused:
        by_tls({"host": "hub.example"})

    assert "session_needs_tls" == refused.value.code
