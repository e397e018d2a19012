"""Events in the wire's words and units."""

from collections.abc import Iterator

import msgspec
from msgspec.structs import replace

from tokenhub.core import events as core
from tokenhub.core.decide import Record
from tokenhub.core.events import Event
from tokenhub.core.outcome import Attempt, Outcome
from tokenhub.web.admin import decisions, logs
from tokenhub.web.amounts import dollars, milliseconds
from tokenhub.web.times import utc
from tokenhub.wire import events as wire


def told(at: float, event: Event) -> bytes:
    """The data of an event that came at a Unix time: one line of JSON."""
    return msgspec.json.encode(shown(at, event))


def shown(at: float, event: Event) -> wire.Event:
    found = wire.Event(
        type=event.type,
        timestamp=utc(at),
        request_id=event.request_id,
        parent_id=event.parent_id,
        api_key_id=event.key_id,
        api_key_name=event.key_name,
        dialect=event.dialect,
        mode=event.mode,
        task=event.task,
        stream=event.stream,
        model_id=event.model_id,
        provider_id=event.provider_id,
        latency_ms=milliseconds(event.latency_s) or 0,
        cost_usd=dollars(event.cost_nusd) or 0,
        input_tokens=event.input_tokens,
        output_tokens=event.output_tokens,
        total_tokens=event.input_tokens + event.output_tokens,
        attempt_count=event.attempts,
        reason=event.reason,
        error_class=event.error_class,
        old_state=event.old_state,
        new_state=event.new_state,
        workflow_id=event.workflow_id,
        workflow_type=event.workflow_type,
        activity_type=event.activity_type,
        action=event.action,
        resource=event.resource,
        actor=event.actor,
        percent=event.percent,
        spent_usd=dollars(event.spent_nusd) or 0,
        budget_usd=dollars(event.budget_nusd) or 0,
        after_id=str(event.after_id or ""),
        next_id=str(event.next_id or ""),
        dropped=event.dropped,
    )
    if event.outcome is not None:
        _end(found, event.outcome)
    elif event.record is not None:
        _decision(found, event.record)
    elif event.attempt is not None:
        _attempt(found, event.attempt)
    return found


def _end(found: wire.Event, outcome: Outcome) -> None:
    found.request_id = outcome.request_id
    found.parent_id = outcome.parent_id
    found.mode, found.task = outcome.mode, outcome.task
    found.stream = outcome.stream
    found.model_id, found.provider_id = outcome.model_id, outcome.provider_id
    found.latency_ms = milliseconds(outcome.latency_s) or 0
    found.cost_usd = dollars(outcome.cost_nusd) or 0
    found.input_tokens, found.output_tokens = outcome.input_tokens, outcome.output_tokens
    found.total_tokens = outcome.input_tokens + outcome.output_tokens
    found.reason = outcome.reason
    found.status_code = outcome.status
    found.error_class = outcome.error_class
    if found.type == core.ROUTE_ERROR:
        found.error_msg = f"{outcome.error_class}: answered with status {outcome.status}"
    found.attempts = logs.shown(outcome).attempts


def _decision(found: wire.Event, record: Record) -> None:
    known = set(_names(record))
    record = replace(
        record,
        hint=record.hint if record.hint in known else "",
        fallbacks=tuple(name for name in record.fallbacks if name in known),
    )
    found.mode, found.task = record.policy.mode, record.task
    found.reason, found.error_class = record.reason, record.error
    found.decision = decisions.shown(record)


def _names(record: Record) -> Iterator[str]:
    """The names in a record that are ours: of an alias, and of routes and their models."""
    yield record.alias
    for route in (*(c.route for c in record.candidates), *(s.route for s in record.skipped)):
        yield route
        yield route.partition("/")[2]


def _attempt(found: wire.Event, attempt: Attempt) -> None:
    found.attempt = attempt.number
    found.model_id, found.provider_id = attempt.model_id, attempt.provider_id
    found.state = attempt.state
    found.status_code = attempt.status
    found.error_class = attempt.kind
    found.latency_ms = milliseconds(attempt.latency_s) or 0
    found.cost_usd = dollars(attempt.cost_nusd) or 0
    found.input_tokens, found.output_tokens = attempt.input_tokens, attempt.output_tokens
    found.total_tokens = attempt.input_tokens + attempt.output_tokens
