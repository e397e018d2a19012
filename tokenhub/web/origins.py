"""Where a browser's request comes from: by which name of ours, and from whose page.

Two attacks are met here. A page of another site can have a browser send requests to us, with our
cookie: what the browser itself says of the page decides (Sec-Fetch-Site, else Origin), and the
media type must be one that no form can send. And a page can have its own name resolved to this
machine (DNS rebinding), so that it is no other site any more: the admin API answers only under
names that are known to be ours.
"""

import re
from collections.abc import Collection, Iterable, Mapping

from tokenhub.core.errors import OutOfScope, UnsupportedMediaType

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_OURS = frozenset({"same-origin", "none"})
_JSON = "application/json"
# RFC 9110, 7.2: a name or an address, and a port that may be empty.
_HOST = re.compile(r"(?:\[([^\]\[@]*)\]|([^:\[\]@]*))(?::[0-9]*)?", re.ASCII)


def host_of(text: str) -> str:
    """The name in a Host header: lower case, no port, no brackets; empty where it is none."""
    found = _HOST.fullmatch(text.strip().lower())
    return "" if found is None else (found[1] or found[2]).rstrip(".")


def check_host(headers: Iterable[tuple[bytes, bytes]], known: Collection[str]) -> None:
    """Raise OutOfScope unless the request names exactly one host, and one of ours."""
    named = [value.decode("latin-1") for name, value in headers if name == b"host"]
    if len(named) != 1 or host_of(named[0]) not in known:
        raise OutOfScope(
            "the admin API does not answer under this host name; add it to "
            "TOKENHUB_ALLOWED_HOSTS if it is one of this server's",
            code="host_not_allowed",
        )


def check_same_site(method: str, headers: Mapping[str, str]) -> None:
    """Raise unless a request that brings a cookie was sent by a page of ours.

    Safe methods need only not be said to come from elsewhere: following a link into the
    dashboard names no origin. Raises OutOfScope and UnsupportedMediaType.
    """
    unsafe = method not in SAFE
    check_page(headers, told=unsafe)
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    if unsafe and media_type != _JSON:
        raise UnsupportedMediaType(f"a request with a cookie must have Content-Type: {_JSON}")


def check_page(headers: Mapping[str, str], *, told: bool = False) -> None:
    """Raise OutOfScope where the browser says that another site's page sent the request.

    With `told` it must say that it was one of ours.
    """
    site = headers.get("sec-fetch-site", "").strip().lower()
    origin = headers.get("origin", "").strip().lower()
    if site:
        ours = site in _OURS
    elif origin:
        # Not by a parser of URLs: those raise for what is none, and anybody may send that.
        ours = origin.partition("://")[2] == headers.get("host", "").strip().lower() != ""
    else:
        ours = not told
    if not ours:
        raise OutOfScope("this request was not sent by a page of this server", code="cross_site")


def encrypted(headers: Mapping[str, str]) -> bool:
    """Whether the browser seems to have come by TLS, which ends at a proxy.

    Anybody may say so: it only has the cookie confined to TLS, so nobody gains by a lie.
    """
    proto = headers.get("x-forwarded-proto", "").partition(",")[0].strip().lower()
    return proto == "https" or headers.get("origin", "").lower().startswith("https://")
