"""Spans on their way to the collector, and the count of those that never get there.

The SDK's queue drops what it has no room for and tells nobody how much, and at the stop it would
hand over batch after batch to a collector that takes none, half a minute long.
"""

import logging
from collections.abc import Callable, Sequence

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

_log = logging.getLogger("tokenhub.tracing")

QUEUE = 2048
BATCH = 512
DELAY_MS = 1000.0
_FAILURE = SpanExportResult.FAILURE


class Counting(SpanExporter):
    """An exporter, and how many spans were not handed over.

    Each count is written by one thread alone: those of the queue's entry by the loop's, the others
    by the exporting one.
    """

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter
        self._ending = self._over = False
        self._entered = self._refused = 0
        self._left = self._failed = self._told = 0

    @property
    def lost(self) -> int:
        return self._refused + self._failed

    def enters(self) -> bool:
        """Whether there is room for one more span, which counts as waiting then."""
        if self._entered - self._left >= QUEUE:
            self._refused += 1
            return False
        self._entered += 1
        return True

    def ending(self) -> None:
        """Hand over what waits, to a collector that takes it: one that fails is not asked again."""
        self._ending = True

    def over(self) -> None:
        """Hand over nothing more."""
        self._over = True

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self._left += len(spans)
        reason = "the collector did not take them"
        try:
            result = _FAILURE if self._over else self._exporter.export(spans)
        except Exception as error:  # noqa: BLE001 - the thread that exports must go on
            result, reason = _FAILURE, type(error).__name__
        if result is not SpanExportResult.SUCCESS:
            self._failed += len(spans)
            self._over |= self._ending
        elif self._refused:
            reason = "the collector is too slow"
        self._tell(reason)
        return result

    def _tell(self, reason: str) -> None:
        """What was lost since it was told last."""
        count = self.lost - self._told
        if count:
            self._told += count
            _log.warning("spans_lost", extra={"count": count, "reason": reason})

    def shutdown(self) -> None:
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return self._exporter.force_flush(timeout_millis)


class Queue(BatchSpanProcessor):
    """At most QUEUE spans; those that have waited longest leave first, in a thread of their own."""

    def __init__(self, counting: Counting) -> None:
        super().__init__(
            counting,
            max_queue_size=QUEUE,
            schedule_delay_millis=DELAY_MS,
            max_export_batch_size=BATCH,
        )
        self._enters: Callable[[], bool] = counting.enters

    def on_end(self, span: ReadableSpan) -> None:
        if self._enters():
            super().on_end(span)
