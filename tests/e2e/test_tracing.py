"""Traces of real requests, and a collector that gets them over HTTP, or does not."""

import asyncio
import gzip
import json
import subprocess
import sys

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.e2e.conftest import ASK
from tests.support.server import running
from tokenhub.app import telemetry
from tokenhub.core.errors import BadRequest
from tokenhub.settings import load
from tokenhub.sim.fault import Fault

pytestmark = pytest.mark.anyio
CHAT = "/v1/chat/completions"
TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
TRACEPARENT = f"00-{TRACE}-{PARENT}-01"
SAID = "a prompt that nobody else may read"


class Collector:
    """What OTLP over HTTP is sent to. It takes everything, or answers with `status`."""

    def __init__(self):
        self.requests = []
        self.paths = []
        self.status = 200

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_):
        self._server.close()
        await self._server.wait_closed()

    async def _serve(self, reader, writer):
        while head := await self._head(reader):
            fields = dict(
                line.lower().split(": ", 1) for line in head.decode().split("\r\n")[1:] if line
            )
            body = await reader.readexactly(int(fields["content-length"]))
            if fields.get("content-encoding") == "gzip":
                body = gzip.decompress(body)
            self.paths.append(head.split()[1].decode())
            self.requests.append(ExportTraceServiceRequest.FromString(body))
            writer.write(b"HTTP/1.1 %d X\r\ncontent-length: 0\r\n\r\n" % self.status)
            if fields.get("connection") == "close":
                break
        writer.close()

    async def _head(self, reader):
        try:
            return await reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionResetError):
            return b""

    def resources(self):
        return [
            {one.key: one.value.string_value for one in group.resource.attributes}
            for request in self.requests
            for group in request.resource_spans
        ]

    def spans(self):
        return [
            span
            for request in self.requests
            for group in request.resource_spans
            for scope in group.scope_spans
            for span in scope.spans
        ]

    def named(self, name):
        (found,) = [span for span in self.spans() if span.name == name]
        return found


def told(span):
    """The attributes of a span."""
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in span.attributes}


@pytest.fixture
async def collector():
    async with Collector() as one:
        yield one


def tracing(folder, collector, **variables):
    return running(
        folder,
        OTEL_ENABLED="true",
        OTEL_ENDPOINT=f"127.0.0.1:{collector.port}",
        OTEL_SERVICE_NAME="a hub",
        **variables,
    )


async def ask(hub, key, *headers, **fields):
    message = [{"role": "user", "content": SAID}]
    return await hub.http.post(
        CHAT,
        json=ASK | {"messages": message} | fields,
        headers={"x-api-key": key, **dict(headers)},
    )


async def test_a_request_its_decision_and_its_attempts_are_one_trace(
    tmp_path, sim, second, collector
):
    async with tracing(tmp_path, collector) as hub:
        await hub.provider("one", sim, models=["gpt"], api_key="sk-0123456789abcdef")
        await hub.provider("two", second, models=["gpt"])
        key = await hub.key()
        sim.next(Fault.overloaded())
        answer = await ask(hub, key, ("traceparent", TRACEPARENT), model="one/gpt")

    request = collector.named(f"POST {CHAT}")
    decision = collector.named("decision")
    failed, good = sorted(
        (span for span in collector.spans() if span.name == "chat gpt"),
        key=lambda span: span.start_time_unix_nano,
    )
    assert {TRACE} == {span.trace_id.hex() for span in (request, decision, failed, good)}
    assert PARENT == request.parent_span_id.hex()
    assert {request.span_id} == {span.parent_span_id for span in (decision, failed, good)}
    assert (Span.SPAN_KIND_SERVER, Span.SPAN_KIND_INTERNAL, Span.SPAN_KIND_CLIENT) == (
        request.kind,
        decision.kind,
        good.kind,
    )
    assert {
        "http.request.method": "POST",
        "http.response.status_code": 200,
        "http.route": CHAT,
        "tokenhub.request_id": answer.headers["x-request-id"],
        "tokenhub.provider": "two",
        "tokenhub.model": "gpt",
        "tokenhub.attempts": 2,
    }.items() <= told(request).items()
    assert {"tokenhub.route": "one/gpt", "tokenhub.candidates": 2}.items() <= told(decision).items()
    assert {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt",
        "gen_ai.request.max_tokens": 4,
        "tokenhub.provider": "two",
        "server.address": "127.0.0.1",
    }.items() <= told(good).items()
    assert 0 < told(good)["gen_ai.usage.output_tokens"]
    assert "overloaded" == told(failed)["error.type"]
    assert "error.type" not in told(good)
    assert {"a hub"} == {resource["service.name"] for resource in collector.resources()}
    assert {"/v1/traces"} == set(collector.paths)
    sent = b"".join(request.SerializeToString() for request in collector.requests)
    for secret in (SAID, key, "sk-0123456789abcdef"):
        assert secret.encode() not in sent


async def test_a_stream_is_a_span_until_its_last_event(tmp_path, sim, collector):
    async with tracing(tmp_path, collector) as hub:
        await hub.provider("one", sim, models=["gpt"])
        await ask(hub, await hub.key(), stream=True, stream_options={"include_usage": True})

    span, request = collector.named("chat gpt"), collector.named(f"POST {CHAT}")
    about = told(span)
    assert about["gen_ai.request.stream"]
    assert 0.0 < about["gen_ai.response.time_to_first_chunk"]
    assert 0 < about["gen_ai.usage.output_tokens"]
    assert span.end_time_unix_nano <= request.end_time_unix_nano


async def test_a_caller_who_leaves_ends_the_spans(tmp_path, sim, collector):
    async with tracing(tmp_path, collector) as hub:
        await hub.provider("one", sim, models=["gpt"])
        key = await hub.key()
        sim.next(Fault.hang())
        async with asyncio.TaskGroup() as group:
            waiting = group.create_task(ask(hub, key))
            await sim.arrived(1)
            waiting.cancel()

    assert "cancelled" == told(collector.named("chat gpt"))["error.type"]
    assert 499 == told(collector.named(f"POST {CHAT}"))["http.response.status_code"]


async def test_a_provider_hears_of_the_trace_only_where_a_setting_says_so(
    tmp_path, sim, second, collector
):
    async with tracing(tmp_path, collector, OTEL_PROPAGATE_TO="two") as hub:
        await hub.provider("one", sim, models=["gpt"])
        await hub.provider("two", second, models=["gpt"])
        key = await hub.key()
        brought = ("traceparent", TRACEPARENT), ("tracestate", "vendor=theirs")
        await ask(hub, key, *brought, model="one/gpt")
        await ask(hub, key, *brought, model="two/gpt")

    (to_one,), (to_two,) = sim.requests, second.requests
    one, two = dict(to_one.headers), dict(to_two.headers)
    spans = [span.span_id.hex() for span in collector.spans() if "gpt" in span.name]
    assert "traceparent" not in one
    assert two["traceparent"] in {f"00-{TRACE}-{span}-01" for span in spans}
    assert "tracestate" not in two


async def test_no_trace_is_kept_of_those_that_are_not_sampled(tmp_path, sim, collector):
    async with tracing(tmp_path, collector, OTEL_SAMPLE_RATIO="0") as hub:
        await hub.provider("one", sim, models=["gpt"])
        key = await hub.key()
        await ask(hub, key)
        await ask(hub, key, ("traceparent", TRACEPARENT))

    assert {TRACE} == {span.trace_id.hex() for span in collector.spans()}


async def test_a_trace_in_two_headers_or_none_that_can_be_read_is_none(tmp_path, sim, collector):
    async with tracing(tmp_path, collector) as hub:
        await hub.http.get("/v1/models/x", headers=[("traceparent", TRACEPARENT)] * 2)
        await hub.http.get("/v1/models/x", headers={"traceparent": "00-nonsense"})

    assert 2 == len(collector.spans())
    assert {b""} == {span.parent_span_id for span in collector.spans()}
    assert TRACE not in {span.trace_id.hex() for span in collector.spans()}


async def test_no_caller_writes_into_the_log_by_the_headers_of_a_trace(
    tmp_path, sim, collector, caplog
):
    async with tracing(tmp_path, collector) as hub:
        await hub.provider("one", sim, models=["gpt"])
        key = await hub.key()
        await ask(hub, key, ("traceparent", TRACEPARENT), ("tracestate", SAID))
        await ask(hub, key, ("traceparent", SAID * 20), ("tracestate", SAID))

    assert [] == [one for one in caplog.records if one.name.startswith("opentelemetry")]
    assert SAID not in caplog.text


async def test_no_request_hears_of_a_collector_that_refuses(tmp_path, sim, collector):
    collector.status = 400
    async with tracing(tmp_path, collector) as hub:
        await hub.provider("one", sim, models=["gpt"])
        answer = await ask(hub, await hub.key())

    assert 200 == answer.status_code
    assert collector.requests


def test_a_server_without_traces_loads_nothing_of_them():
    show = "import sys, json, tokenhub.app; print(json.dumps([*sys.modules]))"
    loaded = json.loads(
        subprocess.run(
            [sys.executable, "-c", show], capture_output=True, check=True, text=True
        ).stdout
    )

    assert [] == [name for name in loaded if name.startswith("opentelemetry.sdk")]
    assert [] == [name for name in loaded if name.partition(".")[0] in {"requests", "google"}]


def test_where_the_extra_is_missing_the_start_says_what_to_install(tmp_path, monkeypatch):
    name = "tokenhub.adapters.telemetry.tracing"
    monkeypatch.delattr("tokenhub.adapters.telemetry.tracing", raising=False)
    monkeypatch.setitem(sys.modules, name, None)
    settings = load({"TOKENHUB_OTEL_ENABLED": "true"}, home=tmp_path, data_writable=False)

    with pytest.raises(BadRequest, match=r"install tokenhub\[otel\]"):
        telemetry._traces(settings)
