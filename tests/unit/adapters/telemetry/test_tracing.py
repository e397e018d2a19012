"""tracing: spans in the SDK's memory, and a collector that is none."""

import pytest
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from tokenhub.adapters.telemetry.tracing import Export, Traces
from tokenhub.core.ask import Answer, Ask
from tokenhub.core.catalog import Provider
from tokenhub.core.errors import BadRequest
from tokenhub.core.failures import Kind
from tokenhub.core.outcome import Usage
from tokenhub.ports.provider import UpstreamError
from tokenhub.ports.served import Served

pytestmark = pytest.mark.anyio
HERE = Export(endpoint="127.0.0.1:9", service="tokenhub", within_s=0.05)
ONE = Provider(id="one", type="anthropic", base_url="https://api.example:8443/v1")
USAGE = Usage(10, 5, cached_tokens=3, cache_write_tokens=2, reasoning_tokens=1)
ASK = Ask(payload=b"a wish", model="m", answers=2, schema="{}")


def served(**fields):
    usual = {"request_id": "r", "at": 0.0, "method": "POST", "route": "/v1/x", "status": 200}
    return Served(**usual | {"took_s": 0.1} | fields)


class Upstreams:
    """One provider that answers with `found`, or raises it."""

    def __init__(self, found):
        self.found = found
        self.asked = []

    def of(self, _provider):
        return self

    async def complete(self, ask, _model_id, *, within_s):
        self.asked.append(ask)
        if isinstance(self.found, BaseException):
            raise self.found
        return self.found

    async def close(self):
        return None


async def test_a_call_has_the_attributes_of_the_conventions():
    kept = InMemorySpanExporter()
    traces = Traces(HERE, exporter=kept)
    upstreams = Upstreams(Answer(body=b"secret", usage=USAGE))

    began = traces.begin([])
    await traces.calling(upstreams).of(ONE).complete(ASK, "claude", within_s=1.0)
    traces.end(began, served(attempts=1, cost_nusd=2_000_000_000))
    await traces.close()

    call, request = kept.get_finished_spans()
    assert ("chat claude", "POST /v1/x") == (call.name, request.name)
    assert {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "anthropic",
        "gen_ai.request.model": "claude",
        "gen_ai.request.choice.count": 2,
        "gen_ai.output.type": "json",
        "gen_ai.usage.input_tokens": 10,
        "gen_ai.usage.output_tokens": 5,
        "gen_ai.usage.cache_read.input_tokens": 3,
        "gen_ai.usage.cache_creation.input_tokens": 2,
        "gen_ai.usage.reasoning.output_tokens": 1,
        "server.address": "api.example",
        "server.port": 8443,
        "tokenhub.provider": "one",
    } == dict(call.attributes)
    assert 2.0 == request.attributes["tokenhub.cost_usd"]
    assert request.context.span_id == call.parent.span_id


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (UpstreamError(Kind.TIMEOUT, status=504, message="secret"), "timeout"),
        (ValueError("secret"), "ValueError"),
    ],
)
async def test_a_call_that_fails_says_which_way_and_nothing_of_what_was_said(error, kind):
    kept = InMemorySpanExporter()
    traces = Traces(HERE, exporter=kept)

    traces.begin([])
    with pytest.raises(type(error)):
        await traces.calling(Upstreams(error)).of(ONE).complete(ASK, "m", within_s=1.0)
    await traces.close()

    (call,) = kept.get_finished_spans()
    assert (kind, StatusCode.ERROR, None) == (
        call.attributes["error.type"],
        call.status.status_code,
        call.status.description,
    )
    assert () == call.events


async def test_outside_of_a_request_there_is_no_trace():
    kept = InMemorySpanExporter()
    traces = Traces(HERE, exporter=kept)
    upstreams = Upstreams(Answer(body=b"", usage=None))

    await traces.calling(upstreams).of(ONE).complete(ASK, "m", within_s=1.0)
    await traces.close()

    assert () == kept.get_finished_spans()
    assert [ASK] == upstreams.asked


async def test_a_decision_that_is_refused_says_why_in_a_word():
    def refusing(*_):
        raise BadRequest("what the caller said", code="no_such_thing")

    kept = InMemorySpanExporter()
    traces = Traces(HERE, exporter=kept)

    traces.begin([])
    with pytest.raises(BadRequest):
        traces.deciding(refusing)(None, None, None, 0)
    await traces.close()

    (decision,) = kept.get_finished_spans()
    assert {"error.type": "no_such_thing"} == dict(decision.attributes)


async def test_a_request_that_failed_for_us_is_an_error_and_a_callers_mistake_is_none():
    kept = InMemorySpanExporter()
    traces = Traces(HERE, exporter=kept)

    traces.end(traces.begin([]), served(status=502))
    traces.end(traces.begin([]), served(status=404, route=""))
    await traces.close()

    ours, theirs = kept.get_finished_spans()
    assert (StatusCode.ERROR, "502") == (ours.status.status_code, ours.attributes["error.type"])
    assert ("POST", StatusCode.UNSET) == (theirs.name, theirs.status.status_code)


async def test_a_collector_that_is_not_there_costs_spans_and_nothing_else(caplog):
    traces = Traces(HERE)

    traces.end(traces.begin([]), served())
    await traces.close()

    assert 1 == traces.lost
    assert ["spans_lost"] == [record.getMessage() for record in caplog.records]


async def test_an_exporter_that_breaks_is_told_and_survived():
    class Broken(SpanExporter):
        def export(self, spans):
            raise OSError(f"cannot reach {spans}")

        def shutdown(self):
            return None

    traces = Traces(HERE, exporter=Broken())

    traces.end(traces.begin([]), served())
    await traces.close()

    assert 1 == traces.lost
    assert SpanExportResult.FAILURE is traces._counting.export([])


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ("localhost:4318", "http://localhost:4318/v1/traces"),
        ("https://otel.example", "https://otel.example/v1/traces"),
        ("https://otel.example/", "https://otel.example/v1/traces"),
        ("https://otel.example/own/path", "https://otel.example/own/path"),
    ],
)
def test_an_endpoint_without_a_path_has_the_usual_one(given, url):
    assert url == Export(endpoint=given, service="s").url
