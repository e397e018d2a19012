"""What happens while the server works, one value each: what `GET /admin/v1/events` tells.

An event says what was decided, called, spent and changed. It never holds a secret, a prompt, an
answer, or words that a caller or a provider has chosen. It refers to what is at hand anyway, and is
put into words only where somebody reads it.

`TYPES` says when each is told and which fields it may have; the reference page is made of it.
"""

from collections.abc import Mapping
from types import MappingProxyType

import msgspec

from tokenhub.core.decide import Record
from tokenhub.core.outcome import Attempt, Outcome

REQUEST_STARTED = "request_started"
DECISION = "decision"
ATTEMPT = "attempt"
ESCALATION = "escalation"
STREAM_STARTED = "stream_started"
ROUTE_SUCCESS = "route_success"
ROUTE_ERROR = "route_error"
WORKFLOW_STARTED = "workflow_started"
WORKFLOW_COMPLETED = "workflow_completed"
WORKFLOW_FAILED = "workflow_failed"
ORCHESTRATION_STEP = "orchestration_step"
ACTIVITY_COMPLETED = "activity_completed"
HEALTH_CHANGE = "health_change"
BUDGET_ALERT = "budget_alert"
KEY_ROTATION_EXPIRED = "key_rotation_expired"
VAULT_CHANGED = "vault_changed"
CONFIG_CHANGED = "config_changed"
HEARTBEAT = "heartbeat"
# Those of the stream itself: they are in no ring, have no id of their own and no filter.
CONNECTED, GAP, DROPPED, END = "connected", "gap", "dropped", "end"


class Event(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One event; what is empty is not told. Durations are seconds, money is nano-USD.

    `outcome`, `record` and `attempt` are what it is about, where they say it all. `percent` is the
    part of a budget that was spent. Nothing in it refers back to it, so the collector of cycles
    need not know of it.
    """

    type: str
    request_id: str = ""
    parent_id: str = ""
    key_id: str = ""
    key_name: str = ""
    dialect: str = ""
    mode: str = ""
    task: str = ""
    stream: bool = False
    model_id: str = ""
    provider_id: str = ""
    latency_s: float = 0.0
    cost_nusd: int | None = 0
    input_tokens: int = 0
    output_tokens: int = 0
    attempts: int = 0
    reason: str = ""
    error_class: str = ""
    old_state: str = ""
    new_state: str = ""
    workflow_id: str = ""
    workflow_type: str = ""
    activity_type: str = ""
    action: str = ""
    resource: str = ""
    actor: str = ""
    percent: int = 0
    spent_nusd: int = 0
    budget_nusd: int = 0
    after_id: int = 0
    next_id: int = 0
    dropped: int = 0
    outcome: Outcome | None = None
    record: Record | None = None
    attempt: Attempt | None = None


class Kind(msgspec.Struct, frozen=True):
    """A type of events: when it is told, and which fields it may have.

    By their names on the wire, beside `type` and `timestamp`, which each has.
    """

    when: str
    fields: tuple[str, ...] = ()


_CALL = (
    "request_id", "model_id", "provider_id", "latency_ms", "cost_usd", "input_tokens",
    "output_tokens", "total_tokens", "error_class",
)  # fmt: skip
_ENDED = (
    *_CALL, "api_key_name", "mode", "reason", "status_code", "stream", "parent_id", "attempts",
    "task",
)  # fmt: skip
_WORKFLOW = ("request_id", "workflow_id", "workflow_type")
_STEP = (*_CALL, "workflow_id", "workflow_type", "activity_type", "reason", "attempt_count")

TYPES: Mapping[str, Kind] = MappingProxyType(
    {
        REQUEST_STARTED: Kind(
            "A request was understood and is about to be routed.",
            ("request_id", "api_key_name", "dialect", "mode", "stream", "parent_id", "task"),
        ),
        DECISION: Kind(
            "It was decided who is asked, or that nobody may be: the whole record.",
            ("request_id", "mode", "task", "reason", "error_class", "decision"),
        ),
        ATTEMPT: Kind(
            "A call to a provider was booked. A stream is booked when it has ended.",
            (*_CALL, "attempt", "state", "status_code"),
        ),
        ESCALATION: Kind(
            "A prompt was too long for a model, and one with more context is asked.",
            ("request_id", "model_id", "provider_id", "reason"),
        ),
        STREAM_STARTED: Kind(
            "The first events of a streamed answer are at hand; `latency_ms` is the wait for them.",
            ("request_id", "model_id", "provider_id", "latency_ms", "mode", "api_key_name"),
        ),
        ROUTE_SUCCESS: Kind("A request has ended well, and is committed.", _ENDED),
        ROUTE_ERROR: Kind(
            "A request has ended with an error, and is committed.", (*_ENDED, "error_msg")
        ),
        WORKFLOW_STARTED: Kind("An orchestration began.", (*_WORKFLOW, "api_key_name")),
        WORKFLOW_COMPLETED: Kind(
            "An orchestration has given an answer, with parts missing or not.",
            (*_WORKFLOW, "latency_ms", "cost_usd", "reason", "error_class", "api_key_name"),
        ),
        WORKFLOW_FAILED: Kind(
            "An orchestration has ended without an answer.",
            (*_WORKFLOW, "latency_ms", "cost_usd", "reason", "error_class", "api_key_name"),
        ),
        ORCHESTRATION_STEP: Kind(
            "A step of an orchestration began or has ended, as `new_state` says: `started`, "
            "`succeeded` or `failed`.",
            (*_STEP, "new_state"),
        ),
        ACTIVITY_COMPLETED: Kind(
            "A step of an orchestration has brought an answer; the original's name for it.", _STEP
        ),
        HEALTH_CHANGE: Kind(
            "A provider, or a model at one, is doing better or worse than it was last told.",
            ("provider_id", "model_id", "old_state", "new_state", "reason"),
        ),
        BUDGET_ALERT: Kind(
            "A key has spent 50, 80 or 100 percent of its monthly budget, or its budget was "
            "lowered to where it has.",
            ("request_id", "api_key_name", "api_key_id", "percent", "spent_usd", "budget_usd"),
        ),
        KEY_ROTATION_EXPIRED: Kind(
            "The credential of a key is older than its rotation allows, and opens nothing.",
            ("api_key_name", "api_key_id", "reason"),
        ),
        VAULT_CHANGED: Kind(
            "The vault was set up, opened, locked or changed. Secrets are not named.",
            ("action", "actor", "new_state", "request_id"),
        ),
        CONFIG_CHANGED: Kind(
            "A change was committed that is in the audit trail: of a provider, model, alias, key, "
            "admin token, of the routing defaults or the settings.",
            ("action", "resource", "actor", "request_id"),
        ),
    }
)

# Of these a reader cannot choose: they tell how the stream itself is doing.
OF_THE_STREAM: Mapping[str, Kind] = MappingProxyType(
    {
        CONNECTED: Kind('The first event of each stream; its data is `{"status":"ok"}`.'),
        GAP: Kind(
            "Events after `Last-Event-ID` are not kept any more, or it was no id of this server; "
            "what is kept follows.",
            ("after_id", "next_id", "dropped"),
        ),
        DROPPED: Kind(
            "This reader was too slow: so many of its events were overwritten before it took them.",
            ("dropped",),
        ),
        HEARTBEAT: Kind("Every 15 seconds.", ("reason",)),
        END: Kind(
            "The last event: the server stops, or the token or session opens nothing any more.",
            ("reason",),
        ),
    }
)
