"""A request in the forms in which it is carried elsewhere. None of them holds a token."""

import shlex
from collections.abc import Mapping
from types import MappingProxyType

import msgspec

from tokenhub.client.calls.observe import get_request
from tokenhub.wire.observe import RequestDetail

FORMS: Mapping[str, str] = MappingProxyType(
    {
        "json": "JSON, the whole record",
        "curl": "curl, with the token by its variable",
        "tokenhubctl": "tokenhubctl",
        "python": "Python, by the client of TokenHub",
    }
)
# Terminals drop longer ones: 100,000 bytes of base64 are the limit of xterm and its kin, and the
# escape sequence and base64 itself take their part.
MOST_BYTES = 74_000


def fits(text: str) -> bool:
    """Whether a terminal takes it as one OSC 52."""
    return len(text.encode("utf-8", "surrogatepass")) <= MOST_BYTES


def written(form: str, one: RequestDetail, url: str) -> str:
    """The request in a form of FORMS; `url` is where the server is."""
    if form == "json":
        return pretty(one)
    if form == "curl":
        path = get_request(one.request_id).path
        return f"curl -sS {shlex.quote(url + path)} {_BY_VARIABLE}"
    if form == "tokenhubctl":
        return f"tokenhubctl logs get {shlex.quote(one.request_id)}"
    return _PYTHON.format(request_id=one.request_id)


def pretty(value: object) -> str:
    """JSON with two spaces for each depth."""
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()


_BY_VARIABLE = '-H "Authorization: Bearer $TOKENHUB_ADMIN_TOKEN"'
_PYTHON = """\
from tokenhub.client.calls.observe import get_request
from tokenhub.client.profile import load
from tokenhub.client.transport import Client

with Client(load()) as tokenhub:
    print(tokenhub(get_request({request_id!r})))
"""
