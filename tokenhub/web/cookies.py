"""The cookie of a browser's session.

By TLS it is `__Host-th_admin`, which a browser takes from this very host only and sends back by
TLS only (RFC 6265bis 4.1.3). Without TLS a browser would not keep it; on this machine itself there
is `th_admin` for that, which is read under the machine's own names only, since sites beside ours
could plant one.
"""

from collections.abc import Mapping

from litestar.datastructures import Cookie

from tokenhub.core.access import SESSION_PREFIX, SESSION_S
from tokenhub.core.errors import OutOfScope
from tokenhub.web.origins import encrypted, host_of

SECURE = "__Host-th_admin"
PLAIN = "th_admin"
WARNING = "this session is not protected by TLS; that is fine on the machine itself, nowhere else"
_HERE = frozenset({"localhost", "127.0.0.1", "::1"})


def session_in(headers: Mapping[str, str]) -> str:
    """The session's id that a request brings, empty where it brings none."""
    # Not by `SimpleCookie`: it gives up the whole line for one cookie that it cannot read, and
    # any page of this host, on whatever port, can have the browser send such a one beside ours.
    parts = (part.strip().partition("=") for part in headers.get("cookie", "").split(";"))
    jar = {name: value for name, _, value in parts}
    names = (SECURE, PLAIN) if _here(headers) else (SECURE,)
    found = next((jar[name] for name in names if name in jar), "")
    return found if found.startswith(SESSION_PREFIX) else ""


def by_tls(headers: Mapping[str, str]) -> bool:
    """Whether a new session's cookie is to be confined to TLS.

    Raises OutOfScope where the browser came from another machine without it.
    """
    if encrypted(headers):
        return True
    if _here(headers):
        return False
    raise OutOfScope(
        "a session from another machine needs TLS: put a proxy with TLS before TokenHub, which "
        "sends X-Forwarded-Proto, or use an admin token",
        code="session_needs_tls",
    )


def begun(session_id: str, *, secure: bool) -> Cookie:
    """The cookie of a new session."""
    return _cookie(session_id, secure=secure, for_s=round(SESSION_S))


def ended() -> tuple[Cookie, Cookie]:
    """What takes both cookies away."""
    return _cookie("", secure=True, for_s=0), _cookie("", secure=False, for_s=0)


def _cookie(value: str, *, secure: bool, for_s: int) -> Cookie:
    return Cookie(
        key=SECURE if secure else PLAIN,
        value=value,
        max_age=for_s,
        path="/",
        httponly=True,
        samesite="strict",
        secure=secure,
    )


def _here(headers: Mapping[str, str]) -> bool:
    return host_of(headers.get("host", "")) in _HERE
