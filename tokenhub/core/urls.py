"""Base URLs of providers, in the one form that the rest relies on."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from tokenhub.core.catalog import Provider
from tokenhub.core.errors import BadRequest

# Longer than any address of a provider, shorter than what a header or a row may hold.
MAX_CHARS = 2000
_PORTS = {"http": 80, "https": 443}


def normalised(text: str) -> str:
    """The URL without what the adapters add themselves: a trailing slash, `/v1`, `/v2`.

    The original's order (original-behaviour 3.1): slashes, one `/v1`, one `/v2`, slashes.
    """
    scheme, colon, rest = text.strip().rstrip("/").partition("://")
    host, slash, path = rest.partition("/")
    kept = (slash + path).removesuffix("/v1").removesuffix("/v2").rstrip("/")
    return f"{scheme}{colon}{host}{kept}"


def base_url(text: str, *, field: str = "base_url") -> str:
    """The normalised base URL, if it is one. Raises BadRequest naming the field.

    Nothing is looked up: a provider may be entered before its name resolves. User names,
    passwords and queries are refused, since they would carry secrets into logs and rows.
    """
    trimmed = text.strip()
    if len(trimmed) > MAX_CHARS or not trimmed.isprintable() or " " in trimmed:
        raise BadRequest(f"{field} must be a URL without spaces", field=field)
    if "?" in trimmed or "#" in trimmed:
        raise BadRequest(f"{field} must hold no query and no fragment", field=field)
    try:
        parts = urlsplit(trimmed)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise BadRequest(f"{field} is not a URL: its host or port is malformed", field=field) from (
            error
        )
    if parts.scheme not in ("http", "https") or not host or port == 0:
        raise BadRequest(f"{field} must begin with http:// or https:// and a host", field=field)
    if "@" in parts.netloc:
        raise BadRequest(
            f"{field} must hold no user name or password; give the key as api_key", field=field
        )
    if "\\" in trimmed:
        raise BadRequest(f"{field} must hold no backslash", field=field)
    return normalised(trimmed)


def origin(url: str) -> tuple[str, str, int]:
    """Scheme, host and port of a base URL (RFC 6454): where a provider's key may be sent."""
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port or _PORTS[parts.scheme]


def addresses(
    base: str, endpoints: tuple[str, ...], *, several: bool
) -> tuple[str, tuple[str, ...]]:
    """A provider's base URL and all its endpoints, normalised, the base URL first.

    Either may be left out. `several` says that its type can take turns between servers.
    """
    named = [base_url(base)] if base.strip() else []
    listed = [base_url(url, field=f"endpoints[{i}]") for i, url in enumerate(endpoints)]
    every = tuple(dict.fromkeys(named + listed))
    if not every:
        raise BadRequest("base_url must be given", field="base_url")
    if len(every) > 1 and not several:
        raise BadRequest(
            "only a provider of type vllm can have several endpoints", field="endpoints"
        )
    return every[0], every


def within(row: Provider, known: Provider) -> bool:
    """Whether every address of `row` is at an origin that `known` has too."""
    return origins(row) <= origins(known)


def hosts(row: Provider) -> Mapping[str, str]:
    """The hosts of a provider's addresses, each with the field that names it first."""
    found = {origin(row.base_url)[1]: "base_url"}
    for at, url in enumerate(row.endpoints):
        found.setdefault(origin(url)[1], f"endpoints[{at}]")
    return found


def origins(row: Provider) -> set[tuple[str, str, int]]:
    """The origins of all its addresses."""
    return {origin(url) for url in (row.base_url, *row.endpoints)}
