"""The server's words for scripts in people's: why a route answered, and what went wrong.

What is not in these tables stays as it is, with spaces: a newer server may say more.
"""

import re

# Why a route answered (docs/developer/failover.md).
_REASONS = {
    "routed-hint-exact": "as asked for",
    "routed-fallback": "fallback of the request",
    "last-resort-fallback": "last resort, it was down",
    "stream-fallback": "next in line",
    "reduced-max-tokens": "asked again, shorter",
    "escalated-context-overflow": "needed a larger context",
    "hedged-dispatch": "second call was faster",
    "retried-transient": "second try",
    "adversarial-plan-only": "plan only",
    "adversarial-orchestration": "plan and critique",
    "vote-orchestration": "voted",
    "vote-single-response": "only one voice",
    "vote-judge-failed": "voted, without a judge",
    "refine-orchestration": "refined",
}
_BY_WEIGHT = re.compile(r"routed-weight-\d+")
# What went wrong: classes of calls to providers, and codes of answers (docs/user/errors.md).
_TROUBLES = {
    "unreachable": "unreachable",
    "timeout": "timed out",
    "lost": "connection broke",
    "throttled": "rate limited",
    "exhausted": "account empty",
    "credential": "key refused",
    "forbidden": "not allowed to the key",
    "overloaded": "overloaded",
    "broken": "invalid answer",
    "missing": "model unknown there",
    "unsupported": "cannot be sent this",
    "context": "context too small",
    "client": "request refused",
    "hedge_lost": "slower than the other",
    "upstream_throttled": "rate limited",
    "upstream_unreachable": "unreachable",
    "upstream_lost": "connection broke",
    "upstream_invalid_response": "invalid answer",
    "upstream_credential": "key refused",
    "upstream_exhausted": "account empty",
    "upstream_not_found": "model unknown there",
    "upstream_overloaded": "overloaded",
    "upstream_timeout": "timed out",
    "no_provider_available": "no route may answer",
    "budget_exceeded": "key's budget spent",
    "rate_limit_exceeded": "too many requests",
    "context_length_exceeded": "fits no context",
    "output_schema_failed": "answer fits no schema",
    "ledger_unavailable": "cannot write the ledger",
    "vault_locked": "vault locked",
    "model_not_found": "no such model",
    "model_not_allowed": "model not allowed",
    "client_closed": "caller hung up",
    "client_gone": "caller hung up",
    "cancelled": "caller hung up",
}


def reason(said: str, candidates: int = 0) -> str:
    """Why a route answered, out of so many candidates where that is known."""
    if _BY_WEIGHT.fullmatch(said):
        return (
            f"best of {candidates}"
            if candidates > 1
            else "only one"
            if candidates
            else "best score"
        )
    return _REASONS.get(said) or plain(said)


def trouble(said: str) -> str:
    """What went wrong."""
    return _TROUBLES.get(said) or plain(said)


def plain(said: str) -> str:
    """Words of a script with spaces between them."""
    return said.replace("_", " ").replace("-", " ")
