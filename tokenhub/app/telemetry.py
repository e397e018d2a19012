"""What tells of requests: metrics, the access log and traces."""

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import msgspec

from tokenhub.adapters.sqlite.stores import Stores
from tokenhub.adapters.telemetry.access import Access
from tokenhub.adapters.telemetry.metrics import Metrics
from tokenhub.app.readings import Scrape
from tokenhub.core.catalog import Catalog
from tokenhub.core.decide import decide
from tokenhub.core.errors import BadRequest
from tokenhub.gateway.admit import KeyLimits
from tokenhub.gateway.board import Board
from tokenhub.gateway.judge import Judge
from tokenhub.gateway.load import Load
from tokenhub.gateway.pipeline import Decide
from tokenhub.ports.clock import Clock
from tokenhub.ports.provider import Upstreams
from tokenhub.ports.served import NOBODY, Tracing
from tokenhub.ports.snapshot import Snapshot
from tokenhub.ports.vault import Safe
from tokenhub.settings import Settings

if TYPE_CHECKING:
    from tokenhub.adapters.telemetry.tracing import Traces


class Telemetry(msgspec.Struct, frozen=True, kw_only=True):
    """`upstreams` and `decide` are those that are to be used: traced, where traces are on."""

    metrics: Metrics
    access_log: Access
    tracing: Tracing
    upstreams: Upstreams
    decide: Decide


def telemetry(
    stack: AsyncExitStack,
    settings: Settings,
    *,
    upstreams: Upstreams,
    catalog: Snapshot[Catalog],
    board: Board,
    clock: Clock,
    load: Load,
    limits: KeyLimits,
    stores: Stores,
    safe: Safe,
    judge: Judge,
) -> Telemetry:
    """Everything that tells, as the settings want it. `stack` ends it.

    Raises BadRequest where traces are asked for and what they need is not installed.
    """
    access_log = Access(enabled=settings.access_log)
    stack.push_async_callback(access_log.close)
    traces = _traces(settings) if settings.otel_enabled else None
    if traces is not None:
        stack.push_async_callback(traces.close)

    def dropped() -> dict[str, int]:
        spans = {} if traces is None else {"span": traces.lost}
        return {"access_line": access_log.lost, "judgement": judge.left_out, **spans}

    scrape = Scrape(
        catalog=catalog,
        board=board,
        clock=clock,
        load=load,
        limits=limits,
        stores=stores,
        safe=safe,
        dropped=dropped,
    )
    return Telemetry(
        metrics=Metrics(scrape),
        access_log=access_log,
        tracing=NOBODY if traces is None else traces,
        upstreams=upstreams if traces is None else traces.calling(upstreams),
        decide=decide if traces is None else traces.deciding(decide),
    )


def _traces(settings: Settings) -> "Traces":
    """Loaded here, so that a server without traces has none of the SDK in memory."""
    try:
        from tokenhub.adapters.telemetry import tracing  # noqa: PLC0415 - see above
    except ImportError as error:
        raise BadRequest(
            "TOKENHUB_OTEL_ENABLED needs packages that are not installed; install tokenhub[otel], "
            "or set it to false",
            field="TOKENHUB_OTEL_ENABLED",
        ) from error
    export = tracing.Export(
        endpoint=settings.otel_endpoint,
        service=settings.otel_service_name,
        ratio=settings.otel_sample_ratio,
        propagate_to=settings.otel_propagate_to,
    )
    return tracing.Traces(export)
