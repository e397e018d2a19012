"""OpenTelemetry: a trace of each request, with its decision and every call to a provider.

    request     SERVER    from arrival to the last byte; HTTP conventions
      decision  INTERNAL  interpret and decide, microseconds
      chat M    CLIENT    one for each attempt, hedges and retries too; GenAI conventions

Nothing here is loaded where traces are off: the SDK is an extra, `tokenhub[otel]`. Spans leave by
a queue and a thread of its own (span_queue.py); what the collector does not take is dropped and
counted, and no request waits for it. No attribute holds what was asked or answered, nor a key.

Names of attributes: semantic conventions 1.4x as opentelemetry-semantic-conventions 0.66b2 has
them (2026-10); those of GenAI are still marked as in development there.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextvars import ContextVar
from time import perf_counter

import msgspec
from msgspec.structs import replace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SpanExporter
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

import tokenhub
from tokenhub.adapters.telemetry.span_queue import Counting, Queue
from tokenhub.core.ask import Answer, Ask
from tokenhub.core.catalog import Catalog, Provider
from tokenhub.core.decide import Decision
from tokenhub.core.errors import TokenHubError
from tokenhub.core.money import usd
from tokenhub.core.outcome import Usage
from tokenhub.core.policy import Intent
from tokenhub.core.signals import Signals
from tokenhub.core.urls import origin
from tokenhub.ports.provider import AnswerStream, Upstream, UpstreamError, Upstreams
from tokenhub.ports.served import Served

_log = logging.getLogger("tokenhub.tracing")

# For one export, and so for the last one, at the stop.
EXPORT_S = 5.0
_TO = "*"
_SERVER_ERROR = 500
_TRACES = "/v1/traces"
_PARENT, _STATE = b"traceparent", b"tracestate"
_OPERATIONS = {"chat": "chat", "embeddings": "embeddings", "count": "count_tokens"}

Decide = Callable[[Intent, Catalog, Signals, int], Decision]
Attributes = dict[str, str | bool | int | float]


class Export(msgspec.Struct, frozen=True, kw_only=True):
    """Where traces go and how many. `endpoint` is a URL, or host:port for HTTP at its usual path.

    `ratio` is the part of the traces that begin here which is kept; who brings one has decided.
    An export may take `within_s`, tries and all.
    `propagate_to` are the ids of providers that are told of the trace, `*` for all.
    """

    endpoint: str
    service: str
    ratio: float = 1.0
    propagate_to: Sequence[str] = ()
    within_s: float = EXPORT_S

    @property
    def url(self) -> str:
        given = self.endpoint if "://" in self.endpoint else f"http://{self.endpoint}"
        scheme, _, rest = given.partition("://")
        authority, _, path = rest.partition("/")
        return f"{scheme}://{authority}/{path}" if path else f"{scheme}://{authority}{_TRACES}"


class Traces:
    """A Tracing over the SDK. `exporter` stands for the one over OTLP."""

    on = True

    def __init__(self, export: Export, *, exporter: SpanExporter | None = None) -> None:
        about = {
            "service.name": export.service,
            "service.version": tokenhub.__version__,
        }
        self._counting = Counting(
            exporter or OTLPSpanExporter(endpoint=export.url, timeout=export.within_s)
        )
        self._within_s = export.within_s
        # It would report each try, in sentences with the URL; `spans_lost` says what came of it.
        logging.getLogger("opentelemetry.exporter").setLevel(logging.CRITICAL)
        # And these would quote the headers of callers that are not as they should be.
        logging.getLogger("opentelemetry.trace").setLevel(logging.CRITICAL)
        self._provider = TracerProvider(
            resource=Resource.create(about),
            sampler=ParentBased(TraceIdRatioBased(export.ratio)),
            shutdown_on_exit=False,
        )
        self._provider.add_span_processor(Queue(self._counting))
        self._tracer = self._provider.get_tracer("tokenhub", tokenhub.__version__)
        self._propagator = TraceContextTextMapPropagator()
        self._current: ContextVar[Context | None] = ContextVar("tokenhub_trace", default=None)
        self._told = frozenset(export.propagate_to)

    @property
    def lost(self) -> int:
        """Spans that the collector did not take, since the start."""
        return self._counting.lost

    async def close(self) -> None:
        """Hand over what waits. A collector that does not answer is waited for EXPORT_S.

        One that is slow may take as long again.
        """
        self._counting.ending()
        late = asyncio.get_running_loop().call_later(self._within_s, self._counting.over)
        try:
            await asyncio.to_thread(self._provider.shutdown)
        finally:
            late.cancel()

    # --- the request

    def begin(self, headers: Iterable[tuple[bytes, bytes]]) -> Span:
        context = self._propagator.extract(_brought(headers), context=Context())
        span = self._tracer.start_span("request", context=context, kind=SpanKind.SERVER)
        self._current.set(set_span_in_context(span, context))
        return span

    def end(self, began: object, served: Served) -> None:
        assert isinstance(began, Span)
        if began.is_recording():
            began.update_name(f"{served.method} {served.route}".rstrip())
            began.set_attributes(_of_request(served))
            if served.status >= _SERVER_ERROR:
                _fail(began, str(served.status))
        began.end()

    def deciding(self, decide: Decide) -> Decide:
        """The same, with a span around it."""

        def traced(intent: Intent, catalog: Catalog, signals: Signals, seed: int) -> Decision:
            context = self._current.get()
            if context is None:
                return decide(intent, catalog, signals, seed)
            span = self._tracer.start_span("decision", context=context)
            try:
                decision = decide(intent, catalog, signals, seed)
            except TokenHubError as error:
                _fail(span, error.code)
                raise
            else:
                if span.is_recording():
                    span.set_attributes(_of_decision(decision))
                return decision
            finally:
                span.end()

        return traced

    def calling(self, upstreams: Upstreams) -> Upstreams:
        """The same, with a span around each call."""
        return TracedUpstreams(upstreams, self)

    # --- a call

    def call(self, provider: Provider, ask: Ask, model_id: str) -> Span | None:
        """The span of a call that begins now; None outside of a request."""
        context = self._current.get()
        if context is None:
            return None
        name = f"{_OPERATIONS.get(ask.task, ask.task)} {model_id}"
        span = self._tracer.start_span(name, context=context, kind=SpanKind.CLIENT)
        if span.is_recording():
            span.set_attributes(_of_call(provider, ask, model_id))
        return span

    def carrying(self, ask: Ask, provider: Provider, span: Span) -> Ask:
        """The ask with the trace for its provider, where that one may know of it."""
        if _TO not in self._told and provider.id not in self._told:
            return ask
        carrier: dict[str, str] = {}
        self._propagator.inject(carrier, context=set_span_in_context(span, Context()))
        return replace(ask, trace=carrier.get("traceparent", "").encode())


class TracedUpstreams:
    """Upstreams whose calls are spans."""

    def __init__(self, upstreams: Upstreams, traces: Traces) -> None:
        self._upstreams = upstreams
        self._traces = traces

    def of(self, provider: Provider) -> Upstream:
        return _TracedUpstream(self._upstreams.of(provider), provider, self._traces)

    async def close(self) -> None:
        await self._upstreams.close()


class _TracedUpstream:
    def __init__(self, upstream: Upstream, provider: Provider, traces: Traces) -> None:
        self._upstream = upstream
        self._provider = provider
        self._traces = traces

    async def complete(self, ask: Ask, model_id: str, *, within_s: float) -> Answer:
        span = self._traces.call(self._provider, ask, model_id)
        if span is None:
            return await self._upstream.complete(ask, model_id, within_s=within_s)
        try:
            carrying = self._traces.carrying(ask, self._provider, span)
            answer = await self._upstream.complete(carrying, model_id, within_s=within_s)
            span.set_attributes(_of_usage(answer.usage))
        except BaseException as error:
            _fail_of(span, error)
            raise
        else:
            return answer
        finally:
            span.end()

    async def open(
        self, ask: Ask, model_id: str, *, idle_s: float, begin_s: float, within_s: float
    ) -> AnswerStream:
        span = self._traces.call(self._provider, ask, model_id)
        within = {"idle_s": idle_s, "begin_s": begin_s, "within_s": within_s}
        if span is None:
            return await self._upstream.open(ask, model_id, **within)
        began = perf_counter()  # the loop's own clock counts whole milliseconds
        try:
            carrying = self._traces.carrying(ask, self._provider, span)
            stream = await self._upstream.open(carrying, model_id, **within)
        except BaseException as error:
            _fail_of(span, error)
            span.end()
            raise
        took_s = perf_counter() - began
        span.set_attribute("gen_ai.response.time_to_first_chunk", took_s)
        return _TracedStream(stream, span)

    async def models(self, *, within_s: float) -> Sequence[Mapping[str, str]]:
        return await self._upstream.models(within_s=within_s)


class _TracedStream:
    """A stream whose span ends when it is closed."""

    def __init__(self, stream: AnswerStream, span: Span) -> None:
        self.dropped = stream.dropped
        self._stream = stream
        self._span = span

    @property
    def booked(self) -> bool:
        return self._stream.booked

    @property
    def terminal(self) -> bytes:
        return self._stream.terminal

    @property
    def usage(self) -> Usage | None:
        return self._stream.usage

    @property
    def output_tokens(self) -> int:
        return self._stream.output_tokens

    @property
    def waited_s(self) -> float:
        return self._stream.waited_s

    async def next(self) -> bytes:
        try:
            return await self._stream.next()
        except BaseException as error:
            _fail_of(self._span, error)
            raise

    def close(self) -> None:
        self._stream.close()
        if self._span.is_recording():
            self._span.set_attributes(_of_usage(self._stream.usage))
        self._span.end()


def _brought(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """The trace that a caller is in. Two of them are none (W3C Trace Context 1, 3.2)."""
    found: dict[str, str] = {}
    for name, value in headers:
        if name == _PARENT and "traceparent" in found:
            return {}
        if name in {_PARENT, _STATE}:
            found[name.decode()] = value.decode("latin-1")
    return found


def _of_request(served: Served) -> Attributes:
    found: Attributes = {
        "http.request.method": served.method,
        "http.response.status_code": served.status,
        "tokenhub.request_id": served.request_id,
    }
    if served.route:
        found["http.route"] = served.route
    if served.cost_nusd is not None and served.attempts:
        found["tokenhub.cost_usd"] = usd(served.cost_nusd)
        found["tokenhub.attempts"] = served.attempts
    named = {
        "key_id": served.key_id,
        "actor": served.actor,
        "provider": served.provider_id,
        "model": served.model_id,
        "mode": served.mode,
        "reason": served.reason,
    }
    found |= {f"tokenhub.{name}": value for name, value in named.items() if value}
    return found


def _of_decision(decision: Decision) -> Attributes:
    record = decision.record
    return {
        "tokenhub.mode": record.policy.mode,
        "tokenhub.reason": record.reason,
        "tokenhub.route": record.candidates[0].route,
        "tokenhub.candidates": len(record.candidates),
        "tokenhub.skipped": len(record.skipped),
        "tokenhub.propensity": record.propensity,
        "tokenhub.catalog_version": record.catalog_version,
    }


def _of_call(provider: Provider, ask: Ask, model_id: str) -> Attributes:
    found: Attributes = {
        "gen_ai.operation.name": _OPERATIONS.get(ask.task, ask.task),
        # The format that is spoken, in the conventions' names where they have one.
        "gen_ai.provider.name": provider.type,
        "gen_ai.request.model": model_id,
        "tokenhub.provider": provider.id,
    }
    if ask.stream:
        found["gen_ai.request.stream"] = True
    if ask.max_tokens is not None:
        found["gen_ai.request.max_tokens"] = ask.max_tokens
    if ask.answers != 1:
        found["gen_ai.request.choice.count"] = ask.answers
    if ask.schema:
        found["gen_ai.output.type"] = "json"
    if len(provider.endpoints) <= 1:
        _, host, port = origin((*provider.endpoints, provider.base_url)[0])
        found["server.address"] = host
        found["server.port"] = port
    return found


def _of_usage(usage: Usage | None) -> Attributes:
    """The tokens as the provider has counted them."""
    if usage is None:
        return {}
    told = {
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "cache_read.input_tokens": usage.cached_tokens,
        "cache_creation.input_tokens": usage.cache_write_tokens,
        "reasoning.output_tokens": usage.reasoning_tokens,
    }
    return {f"gen_ai.usage.{name}": count for name, count in told.items() if count is not None}


def _fail_of(span: Span, error: BaseException) -> None:
    """Whoever was not waited for has been cancelled; what else is none of a provider's is ours."""
    if isinstance(error, UpstreamError):
        if error.status:
            span.set_attribute("http.response.status_code", error.status)
        _fail(span, str(error.kind))
    elif isinstance(error, asyncio.CancelledError):
        _fail(span, "cancelled")
    else:
        _fail(span, type(error).__name__)


def _fail(span: Span, kind: str) -> None:
    span.set_attribute("error.type", kind)
    span.set_status(Status(StatusCode.ERROR))
