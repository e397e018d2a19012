"""The record of a request that no route was found for: a decision too, and explained like one."""

from tokenhub.core.decide import Record
from tokenhub.core.errors import TokenHubError
from tokenhub.core.policy import Intent
from tokenhub.core.scoring import BY_MODE


def refused(intent: Intent, catalog_version: int, *, seed: int, error: TokenHubError) -> Record:
    """Why nobody was asked: every route with its reason, and the code of the error.

    `error` is what `decide` raised. Its text is not kept: it follows from the reasons.
    """
    return Record(
        catalog_version=catalog_version,
        seed=seed,
        hint=intent.hint,
        substitute=intent.substitute,
        fallbacks=intent.fallbacks,
        alias=intent.alias,
        policy=intent.policy,
        weights=BY_MODE[intent.policy.mode],
        input_tokens=intent.input_tokens,
        output_tokens=intent.output_tokens,
        reason="",
        propensity=0.0,
        candidates=(),
        skipped=getattr(error, "skipped", ()),
        reserved_tokens=intent.reserved_tokens,
        error=error.code,
    )
