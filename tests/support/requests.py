"""Requests that have ended, with what a test does not care for filled in."""

from typing import Any

from tokenhub.core.outcome import Attempt, Outcome

BEGAN = 1_700_000_000.0


def ended(number: int = 1, **changes: Any) -> Outcome:
    """A request that took a second, of 100 tokens in and 10 out for 1,000 nano-USD."""
    fields: dict[str, Any] = {
        "request_id": f"req_{number:012x}{'0' * 16}",
        "at": BEGAN,
        "key_id": "key_1",
        "dialect": "openai",
        "requested_model": "a",
        "mode": "normal",
        "reason": "",
        "model_id": "a",
        "provider_id": "p",
        "latency_s": 1.0,
        **changes,
    }
    attempt = Attempt(
        number=1,
        provider_id=fields["provider_id"],
        model_id=fields["model_id"],
        state="settled",
        status=200,
        input_tokens=100,
        output_tokens=10,
        cost_nusd=1_000,
    )
    return Outcome(**{"attempts": (attempt,), **fields})
