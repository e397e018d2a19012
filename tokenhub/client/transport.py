"""Two drivers for calls, blocking and async. Everything they agree on is in the functions below."""

import asyncio
import contextlib
import ipaddress
import ssl
import sys
import time
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Awaitable,
    Callable,
    Generator,
    Iterator,
    Mapping,
    Sequence,
)
from typing import Self, TypedDict, TypeVar, cast

import msgspec

# httpx imports its own command line, and with it click, rich and pygments: 200 of 330 ms of
# every `tokenhubctl` (measured). A None here makes that import fail, which httpx allows for.
sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]  # None blocks an import

import httpx  # noqa: E402 - after the line above, which is the point of it

from tokenhub import __version__  # noqa: E402
from tokenhub.client.call import Call  # noqa: E402
from tokenhub.client.errors import (  # noqa: E402
    BadCall,
    BadProfile,
    Conflict,
    NotFound,
    Refused,
    Unauthorized,
    Unreachable,
    Unreadable,
)
from tokenhub.client.lanes import Closed, Lanes  # noqa: E402
from tokenhub.client.link import Told, untold  # noqa: E402
from tokenhub.client.profile import Profile  # noqa: E402
from tokenhub.client.stream import Run, Stream  # noqa: E402
from tokenhub.wire.problem import Problem, Refusal  # noqa: E402

T = TypeVar("T")

TIMEOUT_S = 30.0
CONNECT_TIMEOUT_S = 5.0
# A safe call is sent again where the connection failed, as it does while a server restarts.
RETRIES = 1
_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.1, 5.0
_SECRET_HEADERS = frozenset(("authorization", "cookie", "set-cookie", "x-api-key"))
_REFUSALS = {401: Unauthorized, 403: Unauthorized, 404: NotFound, 409: Conflict, 412: Conflict}


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """A request that was sent, for whoever wants to watch: without its body, and no secrets."""

    method: str
    url: str
    status: int
    took_s: float
    request_headers: Sequence[tuple[str, str]]
    response_headers: Sequence[tuple[str, str]]


class Begun(msgspec.Struct, frozen=True, kw_only=True):
    """The head of an answer; names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]


class Opened(Begun, frozen=True, kw_only=True):
    """An answer that has begun, with its body in portions."""

    portions: Iterator[bytes]


class AsyncOpened(Begun, frozen=True, kw_only=True):
    """The same for an event loop."""

    portions: AsyncIterator[bytes]


Watch = Callable[[Sent], None]


def unwatched(_sent: Sent) -> None:
    """A Watch where nobody watches."""


class Client:
    """Sends calls and waits: `client(calls.list_models())` is a ModelPage.

    Raises a ClientError (tokenhub.client.errors) for whatever is not the call's answer.
    """

    def __init__(
        self,
        profile: Profile,
        *,
        timeout_s: float = TIMEOUT_S,
        retries: int = RETRIES,
        watch: Watch = unwatched,
        transport: httpx.BaseTransport | None = None,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._pause = pause
        self._retries = retries
        self._watch = watch
        self._http = httpx.Client(transport=transport, **_settings(profile, timeout_s))

    def __call__(self, call: Call[T]) -> T:
        waits = _waits(self._retries if call.safe else 0)
        while True:
            try:
                with self._answer(_request(self._http, call), whole=True) as response:
                    return _read(call, response)
            except httpx.RequestError as error:
                wait_s = _wait_s(waits, error, self._http)
            self._pause(wait_s)

    def stream(
        self, stream: Stream[T], told: Told = untold, *, gives_up: bool = True
    ) -> Generator[Sequence[T], None, None]:
        """The rows as they come: those that came together, together. See AsyncClient.stream."""
        run = Run(stream, retries=self._retries, told=told, gives_up=gives_up)
        while not run.over():
            failed: _Failed = None
            try:
                with self._answer(_opening(self._http, run)) as response:
                    _let_in(run, response)
                    for data in response.iter_bytes():
                        if rows := run.fed(data):
                            yield rows
                        if run.over():  # the other end need not close it
                            break
                    if rows := run.ended():
                        yield rows
            except (httpx.RequestError, _TurnedAway) as error:
                failed = error
            if not run.over():
                self._pause(_again_s(run, failed, self._http))
        run.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    @contextlib.contextmanager
    def opened(self, call: Call[T]) -> Iterator[Opened]:
        """The answer as it comes, unread; it is asked for once. Raises as a call does."""
        try:
            with self._answer(_request(self._http, call)) as response:
                if not response.is_success:
                    raise _refusal(response)
                yield Opened(
                    status=response.status_code,
                    headers=dict(response.headers),
                    portions=response.iter_bytes(),
                )
        except httpx.RequestError as error:
            raise Unreachable(_url(self._http), _reason(error)) from error

    @contextlib.contextmanager
    def _answer(self, request: httpx.Request, *, whole: bool = False) -> Iterator[httpx.Response]:
        """What the server answers; unread unless it is wanted whole or is a refusal."""
        began = time.perf_counter()
        response = self._http.send(request, stream=not whole)
        with contextlib.closing(response):
            self._watch(_sent(response, time.perf_counter() - began))
            if not response.is_success:
                response.read()
            yield response


class AsyncClient:
    """The same for an event loop: `await client(calls.list_models())`.

    A task may be cancelled wherever it waits for this. To leave `async with`, or to `close`, ends
    what is still on its way with Unreachable.
    """

    def __init__(
        self,
        profile: Profile,
        *,
        timeout_s: float = TIMEOUT_S,
        retries: int = RETRIES,
        watch: Watch = unwatched,
        transport: httpx.AsyncBaseTransport | None = None,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._pause = pause
        self._retries = retries
        self._watch = watch
        settings = _settings(profile, timeout_s)
        # The one that makes requests; it sends none.
        self._http = httpx.AsyncClient(transport=transport, **settings)
        self._lanes = Lanes(lambda: httpx.AsyncClient(transport=transport, **settings))

    async def __call__(self, call: Call[T]) -> T:
        waits = _waits(self._retries if call.safe else 0)
        while True:
            try:
                async with self._answer(_request(self._http, call), whole=True) as response:
                    return _read(call, response)
            except httpx.RequestError as error:
                wait_s = _wait_s(waits, error, self._http)
            await self._pause(wait_s)

    async def stream(
        self, stream: Stream[T], told: Told = untold, *, gives_up: bool = True
    ) -> AsyncGenerator[Sequence[T], None]:
        """The rows as they come: those that came together, together.

        `told` hears how the connection is doing (tokenhub.client.link). One that never gives up
        ends by a refusal that will not pass, and else only when it is left. Leave it by `aclosing`
        or by cancelling the task: a loop that is merely broken out of keeps its connection.
        """
        run = Run(stream, retries=self._retries, told=told, gives_up=gives_up)
        while not run.over():
            failed: _Failed = None
            try:
                async with self._answer(_opening(self._http, run)) as response:
                    _let_in(run, response)
                    async for data in response.aiter_bytes():
                        if rows := run.fed(data):
                            yield rows
                        if run.over():  # the other end need not close it
                            break
                    if rows := run.ended():
                        yield rows
            except (httpx.RequestError, _TurnedAway) as error:
                failed = error
            if not run.over():
                await self._pause(_again_s(run, failed, self._http))
        run.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all connections; there will be no more."""
        await self._lanes.close()
        await self._http.aclose()

    @contextlib.asynccontextmanager
    async def opened(self, call: Call[T]) -> AsyncIterator[AsyncOpened]:
        """The answer as it comes, unread; it is asked for once. Raises as a call does."""
        try:
            async with self._answer(_request(self._http, call)) as response:
                if not response.is_success:
                    raise _refusal(response)
                yield AsyncOpened(
                    status=response.status_code,
                    headers=dict(response.headers),
                    portions=response.aiter_bytes(),
                )
        except httpx.RequestError as error:
            raise Unreachable(_url(self._http), _reason(error)) from error

    @contextlib.asynccontextmanager
    async def _answer(
        self, request: httpx.Request, *, whole: bool = False
    ) -> AsyncIterator[httpx.Response]:
        """What the server answers; unread unless it is wanted whole or is a refusal."""
        if self._lanes.closed:
            raise self._closed()
        async with self._lanes.taken() as lane:
            began = time.perf_counter()
            try:
                response = await lane.send(request, stream=not whole)
            except Closed as error:
                raise self._closed() from error
            self._watch(_sent(response, time.perf_counter() - began))
            if not response.is_success:
                await response.aread()
            # What has been read to its end leaves the connection as it was found.
            lane.clean = response.is_closed
            yield response
            lane.clean = response.is_closed

    def _closed(self) -> Unreachable:
        return Unreachable(_url(self._http), "this client was closed")


class _TurnedAway(Exception):
    """A stream was refused; it may be let in later."""

    def __init__(self, refused: Refused) -> None:
        super().__init__(refused.detail)
        self.refused = refused


# What ended an answer; None where it came to its end.
_Failed = httpx.RequestError | _TurnedAway | None


class _Settings(TypedDict):
    base_url: str
    headers: dict[str, str]
    timeout: httpx.Timeout
    verify: ssl.SSLContext
    trust_env: bool


def _settings(profile: Profile, timeout_s: float) -> _Settings:
    """What both drivers are made with.

    A proxy of the environment is never asked for this machine's own addresses. Raises BadProfile.
    """
    try:
        url = httpx.URL(profile.url)
        url.host.encode("idna")  # as it is looked up; labels that are empty or too long fail
    except (httpx.InvalidURL, UnicodeError) as error:
        raise BadProfile(f"{profile.url!r} cannot be used as URL: {error}") from error
    trust_env = not _loopback(url.host)
    headers = {"User-Agent": f"tokenhub-client/{__version__}", "Accept": "application/json"}
    if profile.token:
        headers["Authorization"] = f"Bearer {profile.token}"
    return _Settings(
        base_url=profile.url,
        headers=headers,
        timeout=httpx.Timeout(timeout_s, connect=min(timeout_s, CONNECT_TIMEOUT_S)),
        # Reading the certificate store takes 80 to 110 ms, so it is done once, and plain http goes
        # without. Not by False, which would trust anybody: a bare context trusts nobody.
        verify=httpx.create_ssl_context(trust_env=trust_env)
        if url.scheme == "https"
        else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
        trust_env=trust_env,
    )


def _loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return False


def _request(http: httpx.Client | httpx.AsyncClient, call: Call[T]) -> httpx.Request:
    """The call as it is sent. Raises BadCall."""
    try:
        return _built(http, call)
    except UnicodeEncodeError as error:
        raise BadCall(f"{error.object!r} holds bytes that are no UTF-8") from error


def _built(http: httpx.Client | httpx.AsyncClient, call: Call[T]) -> httpx.Request:
    headers = dict(call.headers)
    if call.body is not None:
        headers.setdefault("Content-Type", "application/json")
    if call.if_match is not None:
        headers["If-Match"] = f'"{call.if_match}"'
    return http.build_request(
        call.method,
        call.path,
        params=call.query or None,
        headers=headers,
        content=None if call.body is None else msgspec.json.encode(call.body),
    )


def _opening(http: httpx.Client | httpx.AsyncClient, run: Run[T]) -> httpx.Request:
    """The next request of a stream."""
    request = _request(http, run.opening())
    timeout = request.extensions["timeout"]
    request.extensions["timeout"] = {**timeout, "read": run.quiet_s(timeout["read"])}
    return request


def _let_in(run: Run[T], response: httpx.Response) -> None:
    """Raises _TurnedAway where the answer is none."""
    if not response.is_success:
        raise _TurnedAway(_refusal(response))
    run.let_in(response.headers.get("content-type", ""))


def _again_s(run: Run[T], failed: _Failed, http: httpx.Client | httpx.AsyncClient) -> float:
    """Seconds until a stream is asked for again. Raises what ended it where it is not to be."""
    url = _url(http)
    refused = failed.refused if isinstance(failed, _TurnedAway) else None
    why = refused.detail if refused else "the connection was closed"
    if isinstance(failed, httpx.RequestError):
        why = _reason(failed)
    wait_s = run.wait_s(why, refused.status if refused else 0)
    if wait_s is not None:
        return wait_s
    if refused is not None:
        raise refused
    raise Unreachable(url, why) from failed


def _url(http: httpx.Client | httpx.AsyncClient) -> str:
    return str(http.base_url).rstrip("/")


def _waits(retries: int) -> Iterator[float]:
    """Seconds before each further try: doubled from one to the next."""
    return (min(_LONGEST_WAIT_S, _FIRST_WAIT_S * 2**number) for number in range(retries))


def _sent(response: httpx.Response, took_s: float) -> Sent:
    request = response.request
    return Sent(
        method=request.method,
        url=str(request.url),
        status=response.status_code,
        took_s=took_s,
        request_headers=_told(request.headers),
        response_headers=_told(response.headers),
    )


def _told(headers: httpx.Headers) -> Sequence[tuple[str, str]]:
    """Headers without what opens anything."""
    return [
        (name, "[redacted]" if name in _SECRET_HEADERS else value)
        for name, value in headers.multi_items()
    ]


def _wait_s(
    waits: Iterator[float], error: httpx.RequestError, http: httpx.Client | httpx.AsyncClient
) -> float:
    """Seconds until the next try. Raises Unreachable where there is none."""
    wait_s = next(waits, None)
    if wait_s is None or not isinstance(error, httpx.ConnectError | httpx.RemoteProtocolError):
        heard = not isinstance(error, httpx.ConnectError | httpx.ConnectTimeout)
        raise Unreachable(_url(http), _reason(error), heard=heard) from error
    return wait_s


def _reason(error: httpx.RequestError) -> str:
    if isinstance(error, httpx.ConnectTimeout):
        return "the connection took too long"
    if isinstance(error, httpx.TimeoutException):
        return "the answer took too long"
    if "Connection refused" in str(error) or "All connection attempts failed" in str(error):
        return "connection refused"
    return str(error) or type(error).__name__


def _read(call: Call[T], response: httpx.Response) -> T:
    """The answer as its type. Raises Refused, or Unreadable."""
    if not response.is_success and response.status_code not in call.accepts:
        raise _refusal(response)
    if call.returns is bytes:
        return cast("T", response.content)
    try:
        return msgspec.json.decode(response.content, type=call.returns)
    except msgspec.DecodeError as error:
        raise Unreadable(str(response.url), str(error)) from error


def _refusal(response: httpx.Response) -> Refused:
    request_id = response.headers.get("x-request-id", "")
    refused = _REFUSALS.get(response.status_code, Refused)
    with contextlib.suppress(msgspec.DecodeError):
        of_vendor = msgspec.json.decode(response.content, type=Refusal)
        return refused(
            of_vendor.error.message,
            status=response.status_code,
            code=of_vendor.error.code or "",
            request_id=of_vendor.request_id or request_id,
        )
    try:
        problem = msgspec.json.decode(response.content, type=Problem)
    except msgspec.DecodeError:
        return refused(
            f"{response.url} answered HTTP {response.status_code} and gave no reason",
            status=response.status_code,
            request_id=request_id,
        )
    return refused(
        problem.detail,
        status=response.status_code,
        code=problem.code,
        request_id=problem.request_id or request_id,
        fields=[(field.pointer, field.message) for field in problem.errors],
    )
