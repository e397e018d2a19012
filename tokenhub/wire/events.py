"""Live events: the data of each, under the original's names where it had one.

Times are RFC 3339 in UTC with milliseconds; money is USD. A field that is empty, or zero, is left
out, but for `type` and `timestamp`.
"""

from collections.abc import Mapping
from types import MappingProxyType

import msgspec

from tokenhub.wire.observe import AttemptLog, Decision


class Event(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Any event; `FIELDS` says what is in each field."""

    type: str
    timestamp: str
    request_id: str = ""
    parent_id: str = ""
    api_key_id: str = ""
    api_key_name: str = ""
    dialect: str = ""
    mode: str = ""
    task: str = ""
    stream: bool = False
    model_id: str = ""
    provider_id: str = ""
    latency_ms: float = 0
    cost_usd: float = 0
    input_tokens: int = 0
    output_tokens: int = 0
    total_tokens: int = 0
    status_code: int = 0
    error_class: str = ""
    error_msg: str = ""
    reason: str = ""
    old_state: str = ""
    new_state: str = ""
    workflow_id: str = ""
    workflow_type: str = ""
    activity_type: str = ""
    attempt: int = 0
    state: str = ""
    attempt_count: int = 0
    attempts: list[AttemptLog] = []
    decision: Decision | None = None
    action: str = ""
    resource: str = ""
    actor: str = ""
    percent: int = 0
    spent_usd: float = 0
    budget_usd: float = 0
    after_id: str = ""
    next_id: str = ""
    dropped: int = 0


# All that a reader can choose, in the order of the reference.
TYPES = (
    "request_started", "decision", "attempt", "escalation", "stream_started", "route_success",
    "route_error", "workflow_started", "workflow_completed", "workflow_failed",
    "orchestration_step", "activity_completed", "health_change", "budget_alert",
    "key_rotation_expired", "vault_changed", "config_changed", "heartbeat",
)  # fmt: skip

FIELDS: Mapping[str, str] = MappingProxyType(
    {
        "type": "the type, as in the line `event:`",
        "timestamp": "when it was told",
        "request_id": "the request; of a change, the request of the admin API that asked for it",
        "parent_id": "the orchestration that the request is a step of",
        "api_key_id": "the key's id",
        "api_key_name": "the key's name, as its operator chose it",
        "dialect": "the format that the caller speaks: `openai`, `anthropic` or `native`",
        "mode": "the routing mode",
        "task": "the kind of work that was asked for: `code`, `maths`, `choice`, `extraction`, "
        "`chat` or `long_context`",
        "stream": "whether the answer is a stream",
        "model_id": "the model that was asked",
        "provider_id": "the provider that was asked",
        "latency_ms": "how long it took",
        "cost_usd": "what it cost; left out where a price is unknown",
        "input_tokens": "tokens of the prompt",
        "output_tokens": "tokens of the answer",
        "total_tokens": "the sum of both",
        "status_code": "the HTTP status: of an attempt the provider's, of a request ours",
        "error_class": "what went wrong, in one word of [ours](../user/errors.md)",
        "error_msg": "the same in a sentence; never a provider's or a caller's words",
        "reason": "why: of a request why this route, of a change of health the failure",
        "old_state": "the state that was told before",
        "new_state": "the state now",
        "workflow_id": "the orchestration's id",
        "workflow_type": "its mode",
        "activity_type": "the step's name",
        "attempt": "the attempt's number within the request, from 1",
        "state": "what became of the attempt's money: `settled`, `voided` or `unknown`",
        "attempt_count": "how many attempts the step took",
        "attempts": "every attempt of the request, as in `GET /admin/v1/requests/{id}`",
        "decision": "the record, as in `GET /admin/v1/requests/{id}`; names of models that a "
        "caller sent and that are none here are left out",
        "action": "what was done, as in the audit trail",
        "resource": "to what, as in the audit trail",
        "actor": "by whom, as in the audit trail",
        "percent": "the threshold that was reached: 50, 80 or 100",
        "spent_usd": "what the key has spent this month",
        "budget_usd": "what it may spend",
        "after_id": "the id that the reader has named",
        "next_id": "the id of the first event that is kept",
        "dropped": "how many of the events that this reader asked for it has lost; of a `gap`, "
        "how many of all types, and left out where the server was started since",
    }
)
