"""The record of a request that no route was found for: a decision too, and explained like one."""

from tokenhub.core.decide import Record
from tokenhub.core.errors import TokenHubError
from tokenhub.core.policy import Intent
from tokenhub.core.scoring import BY_MODE

# What of an intent its record keeps: the fields that both have, under the same names.
KEPT = tuple(name for name in Intent.__struct_fields__ if name in Record.__struct_fields__)


def refused(intent: Intent, catalog_version: int, *, seed: int, error: TokenHubError) -> Record:
    """Why nobody was asked: every route with its reason, and the code of the error.

    `error` is what `decide` raised. Its text is not kept: it follows from the reasons.
    """
    return Record(
        catalog_version=catalog_version,
        seed=seed,
        weights=intent.policy.weights or BY_MODE[intent.policy.mode],
        reason="",
        propensity=0.0,
        candidates=(),
        skipped=getattr(error, "skipped", ()),
        error=error.code,
        **{name: getattr(intent, name) for name in KEPT},
    )
