"""Spans that a collector takes too slowly, or not at all."""

import threading

import pytest
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from tests.unit.adapters.telemetry.test_tracing import served
from tokenhub.adapters.telemetry.span_queue import QUEUE, Counting
from tokenhub.adapters.telemetry.tracing import Export, Traces

pytestmark = pytest.mark.anyio


class Slow(SpanExporter):
    """Takes a batch when it is told to. `took` are the sizes of all that were brought."""

    def __init__(self, result=SpanExportResult.SUCCESS):
        self.took = []
        self.brought = threading.Event()
        self.go_on = threading.Event()
        self.result = result

    def export(self, spans):
        self.took.append(len(spans))
        self.brought.set()
        self.go_on.wait(60)
        return self.result

    def shutdown(self):
        return None


def ended(traces, count):
    for _ in range(count):
        traces.end(traces.begin([]), served())


async def test_what_the_queue_has_no_room_for_is_counted_and_told(caplog):
    slow = Slow()
    here = Export(endpoint="127.0.0.1:9", service="tokenhub", within_s=60.0)
    traces = Traces(here, exporter=slow)
    ended(traces, 600)
    slow.brought.wait(60)

    waiting = 600 - slow.took[0]
    ended(traces, QUEUE - waiting + 70)
    lost = traces.lost
    slow.go_on.set()
    await traces.close()

    assert 70 == lost == traces.lost
    assert 600 + QUEUE - waiting == sum(slow.took)
    assert [("spans_lost", 70, "the collector is too slow")] == [
        (record.getMessage(), record.count, record.reason) for record in caplog.records
    ]


def test_at_the_end_a_collector_that_takes_nothing_is_asked_once():
    slow = Slow(SpanExportResult.FAILURE)
    slow.go_on.set()
    counting = Counting(slow)

    counting.ending()
    for _ in range(3):
        counting.export([object()])

    assert [1] == slow.took
    assert 3 == counting.lost


def test_after_its_time_nothing_more_is_handed_over():
    slow = Slow()
    slow.go_on.set()
    counting = Counting(slow)

    counting.over()
    counting.export([object()])

    assert [] == slow.took
    assert 1 == counting.lost
