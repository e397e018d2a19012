"""What bad input gets, over a socket: a 4xx in the route's dialect, and a server that lives on."""

import asyncio
import json
from contextlib import closing

import pytest

from tests.e2e.conftest import PROFILE
from tests.support.server import ADMIN_TOKEN, running
from tokenhub.sim.app import Sim

pytestmark = pytest.mark.anyio

COMPLETIONS, CHAT = "/v1/chat/completions", "/v1/chat"
PROVIDERS, MODELS = "/admin/v1/providers", "/admin/v1/models"
ROUTES = (COMPLETIONS, CHAT, PROVIDERS, MODELS)
MAX_BODY = 10 << 20
MESSAGES = b'"messages":[{"role":"user","content":"hi"}]'
# A body that is good but for what is put at its end.
BASES = {
    COMPLETIONS: b"{" + MESSAGES,
    CHAT: b"{" + MESSAGES,
    PROVIDERS: b'{"id":"p","base_url":"http://h.test"',
    MODELS: b'{"id":"m","provider_id":"one"',
}
# A field of each route that takes a number, and one that takes text.
NUMBERS = {COMPLETIONS: "max_tokens", CHAT: "estimated_input_tokens", MODELS: "weight"}
TEXTS = {COMPLETIONS: "model", CHAT: "model_hint", PROVIDERS: "type", MODELS: "pricing_source"}
# The HTTP server's own refusal of what is no HTTP.
UNPARSABLE = (400, None, None)


@pytest.fixture(scope="module")
def anyio_backend():
    return ("asyncio", {"use_uvloop": True})


@pytest.fixture(scope="module")
async def served(tmp_path_factory):
    folder = tmp_path_factory.mktemp("server")
    async with Sim(PROFILE, record=False) as sim, running(folder) as hub:
        await hub.provider("one", sim, models=["gpt"])
        yield hub


@pytest.fixture(scope="module")
async def key(served):
    return await served.key()


@pytest.fixture
def send(served, key):
    """Sends bytes on a connection of its own, and reads until its end."""

    async def exchange(data):
        reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
        with closing(writer):
            writer.write(data.replace(b"$KEY", key.encode()))
            async with asyncio.timeout(10):
                return Answer(await reader.read())

    return exchange


class Answer:
    """A raw response, taken apart."""

    def __init__(self, raw):
        head, _, self.body = raw.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        self.status = int(first.split(" ")[1])
        self.headers = {k.lower(): v for k, _, v in (line.partition(": ") for line in lines)}

    def told(self, path):
        """Status, code and field, once the body has the shape of the path's dialect."""
        assert b"Traceback" not in self.body
        assert len(self.body) == int(self.headers["content-length"]) > 0
        kind = self.headers["content-type"]
        if kind.startswith("text/plain"):
            assert b"Invalid HTTP request received." == self.body
            return (self.status, None, None)
        assert self.headers["x-request-id"].startswith("req_")
        body = json.loads(self.body)
        if not path.startswith("/v1"):
            assert "application/problem+json" == kind
            assert body["status"] == self.status
            assert body["detail"] == body["error"] != ""
            pointers = [error["pointer"] for error in body.get("errors", [])]
            return (self.status, body["code"], pointers[0] if pointers else None)
        assert "application/json" == kind
        if path.startswith("/v1/messages"):
            assert "error" == body["type"]
            assert body["request_id"] == self.headers["request-id"] == self.headers["x-request-id"]
            return (self.status, body["error"]["code"], None)
        error = body["error"]
        assert {"message", "type", "param", "code"} <= set(error)
        assert error["message"]
        return (self.status, error["code"], error["param"])


def request(path, body=b"", *, method="POST", headers=(), without=(), length=True):
    """The bytes of a request, whose connection ends with it; `without` leaves headers out."""
    token = ADMIN_TOKEN if path.startswith("/admin") else "$KEY"
    usual = {
        "host": "127.0.0.1",
        "authorization": f"Bearer {token}",
        "content-type": "application/json",
        "content-length": str(len(body)) if length else None,
        "connection": "close",
    }
    lines = [f"{k}: {v}".encode() for k, v in usual.items() if v is not None and k not in without]
    head = [f"{method} {path} HTTP/1.1".encode("latin-1"), *lines, *headers]
    return b"\r\n".join(head) + b"\r\n\r\n" + body


def with_field(path, field, value):
    return BASES[path] + b',"%b":%b}' % (field.encode(), value)


def named(path, field):
    return field if path.startswith("/v1") else f"#/{field.replace('.', '/')}"


# --- bodies


@pytest.mark.parametrize("path", ROUTES)
@pytest.mark.parametrize(
    ("code", "body"),
    [
        ("invalid_json", b""),
        ("invalid_json", b"{"),
        ("invalid_json", b"hello"),
        ("invalid_json", b"{]"),
        ("invalid_json", b"\xef\xbb\xbf{}"),
        ("invalid_json", b"{'a': 1}"),
        ("invalid_json", b'{"id":"p",}'),
        ("invalid_json", b"\0"),
        ("invalid_type", b"null"),
        ("invalid_type", b"[]"),
        ("invalid_type", b"5"),
        ("invalid_type", b'"{}"'),
        ("invalid_type", b"[" * 100_000),
    ],
)
async def test_a_body_that_is_no_object(send, path, code, body):
    answer = await send(request(path, body))

    assert (400, code, None) == answer.told(path)


@pytest.mark.parametrize("path", ROUTES)
@pytest.mark.parametrize("value", [b'"\xff"', b'"\xed\xa0\x80"', b'"\xc0\xaf"'])
async def test_bad_utf_8(send, path, value):
    answer = await send(request(path, with_field(path, TEXTS[path], value)))

    assert (400, "invalid_utf8") == answer.told(path)[:2]


@pytest.mark.parametrize("path", ROUTES)
@pytest.mark.parametrize("value", [rb'"\ud800"', rb'"\udc00\ud800"', rb'"\ud800a"', b'"\n"'])
async def test_text_that_is_none(send, path, value):
    answer = await send(request(path, with_field(path, TEXTS[path], value)))

    assert (400, "invalid_json", None) == answer.told(path)


@pytest.mark.parametrize("path", [COMPLETIONS, CHAT])
@pytest.mark.parametrize("value", [b'"\xff"', rb'"\ud800"', b"NaN", b"Infinity", b"01", b"{"])
async def test_a_field_that_would_only_pass_through_is_checked_too(send, path, value):
    answer = await send(request(path, with_field(path, "x_unknown", value)))

    assert 400 == answer.told(path)[0]


@pytest.mark.parametrize("depth", [1_000, 100_000])
@pytest.mark.parametrize(("begin", "end"), [(b"[", b"]"), (b'{"a":', b"}")])
@pytest.mark.parametrize("path", [COMPLETIONS, CHAT])
async def test_deep_nesting_anywhere(send, path, begin, end, depth):
    deep = begin * depth + b"1" + end * depth

    for field in ("x_unknown", "tools", "parameters"):
        answer = await send(request(path, with_field(path, field, deep)))
        status, code, _ = answer.told(path)
        assert 400 == status
        assert code in {"json_too_deep", "invalid_type"}


@pytest.mark.parametrize("depth", [1_000, 100_000])
@pytest.mark.parametrize("path", [PROVIDERS, MODELS])
async def test_deep_nesting_in_the_control_plane(send, path, depth):
    deep = b"[" * depth + b"]" * depth

    answer = await send(request(path, with_field(path, TEXTS[path], deep)))

    assert (400, "invalid_type", named(path, TEXTS[path])) == answer.told(path)


@pytest.mark.parametrize("path", ROUTES)
@pytest.mark.parametrize("value", [b"5", b"true", b"[]", b"{}", b"1e400"])
async def test_a_wrong_type_names_its_field(send, path, value):
    field = TEXTS[path]

    answer = await send(request(path, with_field(path, field, value)))

    code = "invalid_json" if value == b"1e400" else "invalid_type"
    status, told, where = answer.told(path)
    assert 400 == status
    assert told in {code, "invalid_type"}
    assert where in {named(path, field), None if code == "invalid_json" else named(path, field)}


@pytest.mark.parametrize("path", NUMBERS)
@pytest.mark.parametrize(
    "value", [b"NaN", b"1e400", b"9" * 5_000, b"-1", b"1.5", b'"5"', b"18446744073709551616"]
)
async def test_a_number_that_cannot_be_names_its_field(send, path, value):
    field = NUMBERS[path]

    answer = await send(request(path, with_field(path, field, value)))

    status, code, where = answer.told(path)
    assert 400 == status
    assert (named(path, field) == where) or (code == "invalid_json")


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        (COMPLETIONS, b"{}", "messages"),
        (COMPLETIONS, b'{"messages":[]}', "messages"),
        (COMPLETIONS, b'{"messages":null}', "messages"),
        (COMPLETIONS, b'{"messages":[{"role":5,"content":"x"}]}', "messages[0].role"),
        (COMPLETIONS, b'{"messages":[{"role":"user","content":[5]}]}', "messages[0].content[0]"),
        (COMPLETIONS, b"{" + MESSAGES + b',"stream":"yes"}', "stream"),
        (COMPLETIONS, b"{" + MESSAGES + b',"stream_options":5}', "stream_options"),
        (COMPLETIONS, b"{" + MESSAGES + b',"max_tokens":99999999999}', "max_tokens"),
        (COMPLETIONS, b"{" + MESSAGES + b',"model":"a\\u0000b"}', "model"),
        (COMPLETIONS, b"{" + MESSAGES + b',"model":"' + b"a" * 300 + b'"}', "model"),
        (COMPLETIONS, b"{" + MESSAGES + b',"model":"a","model":5}', "model"),
        (CHAT, b"{}", "messages"),
        (CHAT, b'{"request":{}}', "request.messages"),
        (CHAT, b'{"request":5}', "request"),
        (CHAT, b'{"request":{"messages":[{"role":5}]}}', "request.messages[0].role"),
        (CHAT, b"{" + MESSAGES + b',"policy":5}', "policy"),
        (CHAT, b"{" + MESSAGES + b',"policy":{"max_budget_usd":1e400}}', "policy.max_budget_usd"),
        (CHAT, b"{" + MESSAGES + b',"parameters":{"max_tokens":-1}}', "parameters.max_tokens"),
        (CHAT, b"{" + MESSAGES + b',"output_schema":{"type":5}}', "output_schema"),
        (PROVIDERS, b"{}", "#/id"),
        (PROVIDERS, b'{"id":5}', "#/id"),
        (PROVIDERS, b'{"id":"a/b","base_url":"http://h.test"}', "#/id"),
        (PROVIDERS, b'{"id":"p"}', "#/base_url"),
        (PROVIDERS, b'{"id":"p","base_url":"ftp://h"}', "#/base_url"),
        (PROVIDERS, b'{"id":"p","base_url":"http://[::1"}', "#/base_url"),
        (PROVIDERS, b'{"id":"p","base_url":"http://h:99999"}', "#/base_url"),
        (PROVIDERS, b'{"id":"p","base_url":"http://h/\\u0000"}', "#/base_url"),
        (PROVIDERS, b'{"id":"p","endpoints":["http://h",5]}', "#/endpoints/1"),
        (PROVIDERS, b'{"id":"p","base_url":"http://h.test","api_key":"a\\r\\nb"}', "#/api_key"),
        (PROVIDERS, b'{"id":"p","base_url":"http://h.test","x_new":1}', "#/x_new"),
        (MODELS, b'{"id":"m"}', "#/provider_id"),
        (MODELS, b'{"id":"m","provider_id":"nobody"}', "#/provider_id"),
        (MODELS, b'{"id":"","provider_id":"one"}', "#/id"),
        (MODELS, b'{"id":"m","provider_id":"one","weight":11}', "#/weight"),
        (MODELS, b'{"id":"m","provider_id":"one","input_per_1k":-1}', "#/input_per_1k"),
        (MODELS, b'{"id":"m","provider_id":"one","input_per_1k":1e300}', "#/input_per_1k"),
    ],
)
async def test_a_value_that_cannot_be_names_its_field(send, path, body, field):
    answer = await send(request(path, body))

    status, _, where = answer.told(path)
    assert (400, field) == (status, where)


# --- sizes


@pytest.mark.parametrize("path", [COMPLETIONS, CHAT])
async def test_a_body_too_large_by_its_length_alone(served, key, path):
    """The refusal does not wait for a body that may never come."""
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
    length = [b"content-length: %d" % (MAX_BODY + 1)]
    with closing(writer):
        writer.write(request(path, headers=length, length=False).replace(b"$KEY", key.encode()))
        async with asyncio.timeout(1):
            head = await reader.readuntil(b"\r\n\r\n")
            size = int(head.partition(b"content-length: ")[2].split()[0])
            answer = Answer(head + await reader.readexactly(size))

    assert (413, "request_too_large", None) == answer.told(path)
    assert "close" == answer.headers["connection"]


async def test_a_body_too_large_is_not_asked_for(served, key):
    """Who waits for leave to send is told before the body goes out."""
    lines = [b"content-length: %d" % (MAX_BODY + 1), b"expect: 100-continue"]
    wire = request(COMPLETIONS, headers=lines, length=False).replace(b"$KEY", key.encode())
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
    with closing(writer):
        writer.write(wire)
        async with asyncio.timeout(1):
            assert b"HTTP/1.1 413 Request Entity Too Large\r\n" == await reader.readline()


@pytest.mark.parametrize("path", [COMPLETIONS, CHAT])
async def test_a_body_too_large_is_taken_in_so_that_its_refusal_arrives(send, path):
    answer = await send(request(path, b" " * (2 * MAX_BODY)))

    assert (413, "request_too_large", None) == answer.told(path)


@pytest.mark.parametrize("path", [COMPLETIONS, CHAT])
async def test_a_body_too_large_in_chunks(send, path):
    chunks = (b"100000\r\n" + b" " * 0x100000 + b"\r\n") * 12 + b"0\r\n\r\n"

    answer = await send(
        request(path, chunks, headers=[b"transfer-encoding: chunked"], length=False)
    )

    assert (413, "request_too_large", None) == answer.told(path)


async def test_a_body_of_exactly_the_limit_is_read(send):
    body = b"{" + MESSAGES + b"}"

    answer = await send(request(COMPLETIONS, body + b" " * (MAX_BODY - len(body))))

    assert 200 == answer.status


async def test_a_body_that_ends_early_is_nobodys_fault(served):
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
    writer.write(request(COMPLETIONS, b"").replace(b"length: 0", b"length: 9") + b"{")
    writer.write_eof()

    assert b"500" not in await reader.read()
    writer.close()


# --- heads


@pytest.mark.parametrize("path", ROUTES)
@pytest.mark.parametrize(
    ("headers", "without"),
    [
        ([], ["content-type"]),
        ([b"content-type: text/plain"], ["content-type"]),
        ([b"content-type: application/xml"], ["content-type"]),
        ([b"content-type: application/json-patch+json"], ["content-type"]),
        ([b"content-type: \xff\xfe"], ["content-type"]),
        ([b"content-encoding: gzip"], []),
        ([b"content-encoding: identity, br"], []),
    ],
)
async def test_a_wrong_kind_of_body(send, path, headers, without):
    answer = await send(request(path, BASES[path] + b"}", headers=headers, without=without))

    assert (415, "unsupported_media_type", None) == answer.told(path)


@pytest.mark.parametrize("path", ROUTES)
@pytest.mark.parametrize(
    "value",
    [
        None,
        b"",
        b"Bearer",
        b"Bearer ",
        b"Basic Zm9vOmJhcg==",
        b"Bearer \xff\xfe",
        b"Bearer tokenhub_\xe9\xe9\xe9",
        b"\xff\xff",
        b"Bearer tokenhub_" + b"0" * 20_000,
        b"Bearer tha_",
    ],
)
async def test_a_key_that_is_none(send, path, value):
    headers = [] if value is None else [b"authorization: " + value]

    answer = await send(
        request(path, BASES[path] + b"}", headers=headers, without=["authorization"])
    )

    status, code, _ = answer.told(path)
    known = {"invalid_api_key", "missing_admin_token", "invalid_admin_token"}
    assert 401 == status
    assert code in known
    assert "Bearer" == answer.headers["www-authenticate"]


@pytest.mark.parametrize("path", ROUTES)
@pytest.mark.parametrize(
    "lines",
    [
        [b"content-length: 1"],
        [b"transfer-encoding: chunked"],
        [b"x: a\0b"],
        [b"x: a\rb"],
        [b"x : b"],
        [b"\xff: b"],
        [b"no colon"],
    ],
)
async def test_a_header_that_is_none(send, path, lines):
    answer = await send(request(path, BASES[path] + b"}", headers=lines))

    assert UNPARSABLE == answer.told(path)


@pytest.mark.parametrize("path", ROUTES)
@pytest.mark.parametrize(
    "lines",
    [
        [b"content-length: -1"],
        [b"content-length: 1_0"],
        [b"content-length: " + b"9" * 5_000],
        [b"transfer-encoding: gzip"],
        [b"transfer-encoding: chunked", b"x: y\r\n\r\nzz\r\nabc"],
        [b"transfer-encoding: chunked", b"x: y\r\n\r\n-1\r\nabc"],
    ],
)
async def test_a_body_whose_end_is_nowhere(send, path, lines):
    answer = await send(request(path, headers=lines, length=False))

    assert UNPARSABLE == answer.told(path)


@pytest.mark.parametrize(
    "wire",
    [
        b"FOO /v1/models HTTP/1.1\r\nhost: x\r\n\r\n",
        b"get /v1/models HTTP/1.1\r\nhost: x\r\n\r\n",
        b"GET /v1/mod els HTTP/1.1\r\nhost: x\r\n\r\n",
        b"GET /v1/models/\xff HTTP/1.1\r\nhost: x\r\n\r\n",
        b"GET /v1/models/\0 HTTP/1.1\r\nhost: x\r\n\r\n",
        b"GET x HTTP/1.1\r\nhost: x\r\n\r\n",
        b"GET /v1/models HTTP/9.9\r\nhost: x\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\0\0\0\0\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    ],
)
async def test_what_is_no_http(send, wire):
    answer = await send(wire)

    assert 400 == answer.status
    assert answer.body
    assert "close" == answer.headers["connection"]


# --- routes


@pytest.mark.parametrize(
    ("path", "methods", "allow"),
    [
        (COMPLETIONS, ("GET", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"), "POST"),
        (CHAT, ("GET", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"), "POST"),
        ("/v1/models", ("POST", "PUT", "DELETE", "OPTIONS"), "GET"),
        ("/v1/models/gpt", ("POST", "PUT", "DELETE", "OPTIONS"), "GET"),
        (PROVIDERS, ("PUT", "DELETE", "PATCH", "TRACE"), "GET, OPTIONS, POST"),
        (MODELS, ("PUT", "DELETE", "TRACE"), "GET, OPTIONS, POST"),
    ],
)
async def test_a_wrong_method(send, path, methods, allow):
    for method in methods:
        answer = await send(request(path, b"{}", method=method))
        assert (405, "method_not_allowed", None) == answer.told(path)
        assert allow == answer.headers["allow"]


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [
        ("POST", "/v1/models", "method_not_allowed"),
        ("DELETE", "/v1/models/gpt", "method_not_allowed"),
        ("GET", "/v1/models/", "model_not_found"),
        ("GET", "/v1/models/absent", "model_not_found"),
        ("GET", "/v1/models?limit=0", "invalid_request"),
    ],
)
async def test_who_lists_models_is_refused_in_their_dialect(send, method, path, code):
    plain = await send(request(path, method=method))
    version = [b"anthropic-version: 2023-06-01"]
    versioned = await send(request(path, method=method, headers=version))

    assert code == versioned.told("/v1/messages")[1]
    assert "invalid_request" == code or code == plain.told(path)[1]


@pytest.mark.parametrize("path", [COMPLETIONS, CHAT, "/v1/nothing", PROVIDERS])
async def test_head_has_a_status_and_no_body(send, path):
    answer = await send(request(path, method="HEAD"))

    assert 400 <= answer.status < 500
    assert b"" == answer.body


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/v1/nothing", "not_found"),
        ("/v1", "not_found"),
        ("/v1/", "not_found"),
        ("//v1/models", "not_found"),
        ("/v1/chat/completions/", "not_found"),
        ("/v1/chat%2fcompletions/x", "not_found"),
        ("/v1/chat/%00", "not_found"),
        ("/v1/models/", "model_not_found"),
        ("/v1/models/%2f", "model_not_found"),
        ("/v1/models/%00", "model_not_found"),
        ("/v1/models/%ff", "model_not_found"),
        ("/v1/models/a%0d%0aset-cookie:%20b", "model_not_found"),
        ("/v1/models/%ud800", "model_not_found"),
        ("/v1/models/..%2f..%2fadmin", "model_not_found"),
        ("/v1/models/" + "a" * 20_000, "model_not_found"),
        ("/v1/models/" + "%41" * 5_000, "model_not_found"),
        ("/v1/messages/batches", "not_found"),
        ("/v1/messages/count_token", "not_found"),
        ("/admin/v1/providers/%00", "not_found"),
        ("/admin/v1/providers/%ff", "not_found"),
        ("/admin/v1/providers/" + "a" * 20_000, "not_found"),
        ("/admin/v1/models/%ff", "not_found"),
        ("/admin/v1/models/a%0d%0ab", "not_found"),
        ("/admin/v1/nothing", "not_found"),
        ("/V1/models", "not_found"),
        ("/%ff", "not_found"),
        ("/" + "a" * 20_000, "not_found"),
        ("http://other.test/v1/nothing", "not_found"),
    ],
)
async def test_a_path_that_leads_nowhere(send, path, code):
    answer = await send(
        request(path, method="GET", without=["authorization"]).replace(
            b"\r\n\r\n", b"\r\nauthorization: Bearer " + ADMIN_TOKEN.encode() + b"\r\n\r\n", 1
        )
    )

    shown = path.removeprefix("http://other.test").replace("//", "/")
    assert (404, code) == answer.told(shown)[:2]


@pytest.mark.parametrize("query", ["?a=%ff", "?a=%00", "?%2f", "?a=b&a=c", "?" + "a" * 20_000])
async def test_an_odd_query_does_no_harm(send, query):
    answers = [await send(request(path + query, b"{")) for path in (COMPLETIONS, PROVIDERS)]

    assert [400, 400] == [answer.status for answer in answers]


# --- and after it


async def test_bad_requests_on_one_connection_leave_it_usable(served, key):
    """Each refusal ends where the next response begins."""
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
    bad = request(COMPLETIONS, b"{", without=["connection"])
    good = request(COMPLETIONS, b"{" + MESSAGES + b"}")
    writer.write((bad * 3 + good).replace(b"$KEY", key.encode()))

    got = await reader.read()

    writer.close()
    assert 3 == got.count(b"HTTP/1.1 400 Bad Request")
    assert 1 == got.count(b"HTTP/1.1 200 OK")
    assert b"Simulated answer: " in got


async def test_a_websocket_is_refused(send):
    wire = request(
        "/v1/models/gpt",
        method="POST",
        without=["connection"],
        headers=[
            b"connection: upgrade, close",
            b"upgrade: websocket",
            b"sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==",
            b"sec-websocket-version: 13",
        ],
    )

    answer = await send(wire)

    assert 405 == answer.status


async def test_the_server_lives(served):
    health = await served.http.get("/healthz")

    assert (200, "ok") == (health.status_code, health.json()["status"])


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages", "/v1/embeddings"])
async def test_a_stranger_is_asked_for_a_key_before_anything_is_read(send, path):
    """Neither what is wrong with a body, nor one of which only the first byte has come."""
    broken = request(path, b"{", without=["authorization"])
    begun = request(
        path,
        b"{",
        without=["authorization", "content-length"],
        headers=[b"content-length: 9000000"],
    )

    answers = [await send(wire) for wire in (broken, begun)]

    assert [401, 401] == [answer.status for answer in answers]
    assert all(b"authorization required" in answer.body for answer in answers)
