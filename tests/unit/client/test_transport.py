"""The two drivers, over httpx's own stand-in for a network."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import httpx
import msgspec
import pytest

from tokenhub.client.call import Call
from tokenhub.client.calls.catalog import get_model, list_models, put_model, update_model
from tokenhub.client.calls.info import healthz, metrics
from tokenhub.client.errors import (
    BadCall,
    BadProfile,
    ClientError,
    Conflict,
    NotFound,
    Refused,
    Unauthorized,
    Unreachable,
    Unreadable,
)
from tokenhub.client.profile import Profile
from tokenhub.client.transport import AsyncClient, Client
from tokenhub.wire.catalog import Health, ModelCreate, ModelPatch

PROFILE = Profile(url="http://hub.example:8080/base", token="t0ken")
HEALTH = {"status": "ok", "adapters": 1, "models": 2}
PUT = put_model(ModelCreate(id="m", provider_id="p"))

Handler = Callable[[httpx.Request], httpx.Response]
Send = Callable[..., Any]


def blocking(call: Call[Any], handler: Handler, waits: list[float] | None = None) -> Any:
    waits = [] if waits is None else waits
    with Client(PROFILE, transport=httpx.MockTransport(handler), pause=waits.append) as client:
        return client(call)


def in_a_loop(call: Call[Any], handler: Handler, waits: list[float] | None = None) -> Any:
    async def pause(wait_s: float) -> None:
        if waits is not None:
            waits.append(wait_s)

    async def send() -> Any:
        transport = httpx.MockTransport(handler)
        async with AsyncClient(PROFILE, transport=transport, pause=pause) as client:
            return await client(call)

    return asyncio.run(send())


@pytest.fixture(params=[blocking, in_a_loop])
def send(request: pytest.FixtureRequest) -> Send:
    """Both drivers, for they must not differ."""
    driver: Send = request.param
    return driver


def answering(status: int, body: Any, sent: list[httpx.Request] | None = None) -> Handler:
    def handler(request: httpx.Request) -> httpx.Response:
        if sent is not None:
            sent.append(request)
        content = body if isinstance(body, bytes) else msgspec.json.encode(body)
        return httpx.Response(status, content=content, headers={"x-request-id": "of-header"})

    return handler


def failing(error: Exception, times: int, sent: list[httpx.Request]) -> Handler:
    def handler(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        if len(sent) <= times:
            raise error
        return httpx.Response(200, json=HEALTH)

    return handler


def test_answer_is_the_type_of_the_call(send: Send) -> None:
    assert Health(status="ok", adapters=1, models=2) == send(healthz(), answering(200, HEALTH))


def test_call_becomes_a_request(send: Send) -> None:
    sent: list[httpx.Request] = []
    patch = ModelPatch(weight=3)
    call = update_model("org/a b", patch, provider_id="p/q", if_match=7)

    with pytest.raises(Unreadable):
        send(call, answering(200, {}, sent))

    (request,) = sent
    assert b"/base/admin/v1/models/org/a%20b?provider_id=p%2Fq" == request.url.raw_path
    assert ("PATCH", b'{"weight":3}') == (request.method, request.content)
    assert "Bearer t0ken" == request.headers["authorization"]
    assert ('"7"', "application/json") == (
        request.headers["if-match"],
        request.headers["content-type"],
    )


def test_no_token_means_no_header() -> None:
    sent: list[httpx.Request] = []
    transport = httpx.MockTransport(answering(200, HEALTH, sent))

    with Client(Profile(), transport=transport) as client:
        client(healthz())

    assert "authorization" not in sent[0].headers
    assert "if-match" not in sent[0].headers


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, Refused),
        (401, Unauthorized),
        (403, Unauthorized),
        (404, NotFound),
        (409, Conflict),
        (412, Conflict),
        (500, Refused),
    ],
)
def test_problem_becomes_an_error_of_its_class(
    send: Send, status: int, kind: type[Refused]
) -> None:
    problem = {
        "type": "t",
        "title": "T",
        "status": status,
        "detail": "weight is wrong",
        "code": "invalid",
        "error": "weight is wrong",
        "request_id": "r1",
        "errors": [{"pointer": "/weight", "message": "must be a number"}],
    }

    with pytest.raises(Refused) as refused:
        send(list_models(), answering(status, problem))

    error = refused.value
    assert kind is type(error)
    assert ("weight is wrong", status, "invalid", "r1") == (
        error.detail,
        error.status,
        error.code,
        error.request_id,
    )
    assert (("/weight", "must be a number"),) == error.fields


def test_refusal_without_a_problem_says_who_and_what(send: Send) -> None:
    with pytest.raises(NotFound, match=r"hub.example:8080/base/healthz answered HTTP 404") as error:
        send(healthz(), answering(404, b"<html>nothing here</html>"))

    assert ("", "of-header") == (error.value.code, error.value.request_id)


@pytest.mark.parametrize("body", [b"<html>", {"status": "ok"}, b""])
def test_answer_of_another_program_is_unreadable(send: Send, body: Any) -> None:
    with pytest.raises(Unreadable, match="not TokenHub's"):
        send(healthz(), answering(200, body))


def test_redirect_is_not_followed(send: Send) -> None:
    """It would carry the token to wherever it points."""
    with pytest.raises(Refused, match="HTTP 302"):
        send(healthz(), answering(302, b""))


@pytest.mark.parametrize(
    "error", [httpx.ConnectError("refused"), httpx.RemoteProtocolError("hung up")]
)
def test_reading_is_tried_again_after_a_lost_connection(send: Send, error: Exception) -> None:
    sent: list[httpx.Request] = []
    waits: list[float] = []

    found = send(healthz(), failing(error, 1, sent), waits)

    assert "ok" == found.status
    assert (2, [0.1]) == (len(sent), waits)


def test_reading_gives_up_after_the_second_try(send: Send) -> None:
    sent: list[httpx.Request] = []
    refused = httpx.ConnectError("[Errno 111] Connection refused")

    with pytest.raises(Unreachable, match=r"hub.example:8080/base: connection refused"):
        send(healthz(), failing(refused, 9, sent))

    assert 2 == len(sent)


def test_a_change_is_never_sent_twice(send: Send) -> None:
    sent: list[httpx.Request] = []

    with pytest.raises(Unreachable, match="hung up"):
        send(PUT, failing(httpx.RemoteProtocolError("hung up"), 9, sent))

    assert 1 == len(sent)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (httpx.ConnectTimeout(""), "the connection took too long"),
        (httpx.ReadTimeout(""), "the answer took too long"),
        (httpx.ReadError(""), "ReadError"),
    ],
)
def test_other_losses_are_told_at_once(send: Send, error: Exception, reason: str) -> None:
    sent: list[httpx.Request] = []

    with pytest.raises(Unreachable, match=reason):
        send(get_model("m"), failing(error, 9, sent))

    assert 1 == len(sent)


@pytest.mark.parametrize("host", ["a\x00b", "a..b", "xn--", "a" * 64 + ".example"])
def test_a_host_that_cannot_be_one_is_a_bad_profile(host: str) -> None:
    with pytest.raises(BadProfile, match="cannot be used as URL"):
        Client(Profile(url=f"http://{host}"))


def test_bytes_that_are_no_utf8_are_a_bad_call() -> None:
    with Client(Profile()) as client, pytest.raises(BadCall, match="no UTF-8"):
        client(put_model(ModelCreate(id="m\udcff", provider_id="p")))


@pytest.mark.parametrize(
    ("url", "proxied"),
    [
        ("http://localhost:1", False),
        ("http://hub.localhost:1", False),
        ("http://127.0.0.2:1", False),
        ("http://[::1]:1", False),
        ("http://hub.example", True),
        ("http://10.0.0.1", True),
    ],
)
def test_proxies_are_not_for_this_machine(
    monkeypatch: pytest.MonkeyPatch, url: str, *, proxied: bool
) -> None:
    monkeypatch.setenv("http_proxy", "http://proxy.example:3128")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)

    with Client(Profile(url=url)) as client:
        mounts = client._http._mounts

    assert proxied == bool(mounts)


@pytest.mark.parametrize(("url", "trusted"), [("http://a.example", False), ("https://a", True)])
def test_certificates_are_read_for_https_alone(url: str, *, trusted: bool) -> None:
    with Client(Profile(url=url)) as client:
        pool = client._http._transport._pool
        context = pool._ssl_context

    assert trusted == bool(context.cert_store_stats()["x509_ca"])
    assert context.check_hostname


def test_a_call_for_bytes_has_the_body_as_it_is(send: Send) -> None:
    assert b"# HELP" == send(metrics(), lambda _: httpx.Response(200, content=b"# HELP"))


def test_headers_of_a_call_are_sent(send: Send) -> None:
    call = Call(method="GET", path="/x", headers=(("X-TokenHub-Mode", "cheap"),), returns=bytes)

    assert b"cheap" == send(
        call, lambda it: httpx.Response(200, content=it.headers["x-tokenhub-mode"])
    )


@pytest.mark.parametrize(
    ("body", "request_id"),
    [
        ({"error": {"message": "too much", "type": "t", "param": None, "code": "c"}}, "of-header"),
        (
            {"type": "error", "error": {"type": "t", "message": "too much", "code": "c"}}
            | {"request_id": "of-body"},
            "of-body",
        ),
    ],
)
def test_a_refusal_in_a_vendors_format_is_read(
    send: Send, body: dict[str, Any], request_id: str
) -> None:
    headers = {"x-request-id": "of-header"}

    with pytest.raises(Refused, match="too much") as raised:
        send(healthz(), lambda _: httpx.Response(429, json=body, headers=headers))

    assert ("c", request_id) == (raised.value.code, raised.value.request_id)


def opened(handler: Handler) -> tuple[int, str, list[bytes]]:
    with (
        Client(PROFILE, transport=httpx.MockTransport(handler)) as client,
        client.opened(PUT) as answer,
    ):
        return answer.status, answer.headers["x-one"], list(answer.portions)


def opened_in_a_loop(handler: Handler) -> tuple[int, str, list[bytes]]:
    async def send() -> tuple[int, str, list[bytes]]:
        async with (
            AsyncClient(PROFILE, transport=httpx.MockTransport(handler)) as client,
            client.opened(PUT) as answer,
        ):
            portions = [portion async for portion in answer.portions]
            return answer.status, answer.headers["x-one"], portions

    return asyncio.run(send())


class Body(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A body in two portions, for either driver."""

    def __iter__(self) -> Iterator[bytes]:
        yield from (b"a", b"b")

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for portion in self:
            yield portion


Open = Callable[[Handler], tuple[int, str, list[bytes]]]


@pytest.mark.parametrize("opened", [opened, opened_in_a_loop])
def test_an_answer_is_had_as_it_comes(opened: Open) -> None:
    def answering(_: httpx.Request) -> httpx.Response:
        return httpx.Response(201, headers={"X-One": "1"}, stream=Body())

    assert (201, "1", [b"a", b"b"]) == opened(answering)


@pytest.mark.parametrize("opened", [opened, opened_in_a_loop])
def test_what_is_refused_or_lost_has_no_answer_to_open(opened: Open) -> None:
    def lost(it: httpx.Request) -> httpx.Response:
        raise httpx.ReadError("gone", request=it)

    with pytest.raises(NotFound):
        opened(lambda _: httpx.Response(404))
    with pytest.raises(Unreachable, match="gone"):
        opened(lost)


def test_all_errors_are_client_errors() -> None:
    for kind in (BadProfile, Unreachable, Unreadable, Unauthorized, NotFound, Conflict):
        assert issubclass(kind, ClientError)
