"""What a provider's status and words mean."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenhub.core.failures import CODES, MAYBE_BILLED, Kind, classify, lacks_scope


@pytest.mark.parametrize(
    ("status", "text", "kind"),
    [
        (400, "", Kind.CLIENT),
        (404, "model not found", Kind.CLIENT),
        (409, "", Kind.CLIENT),
        (422, "", Kind.CLIENT),
        (499, "", Kind.CLIENT),
        (401, "", Kind.CREDENTIAL),
        (401, "invalid_api_key Incorrect API key provided", Kind.CREDENTIAL),
        (407, "", Kind.CREDENTIAL),
        (403, "", Kind.FORBIDDEN),
        (
            403,
            "model_not_found invalid_request_error Project `p` does not have access to model `m`",
            Kind.FORBIDDEN,
        ),
        (
            403,
            "permission_error Your API key does not have permission to use the specified resource.",
            Kind.FORBIDDEN,
        ),
        (
            401,
            "You have insufficient permissions for this operation. Missing scopes: model.request.",
            Kind.FORBIDDEN,
        ),
        (
            403,
            "unsupported_country_region_territory Country, region, or territory not supported",
            Kind.CREDENTIAL,
        ),
        (403, "account_deactivated", Kind.CREDENTIAL),
        (403, "authentication_error Invalid API key", Kind.CREDENTIAL),
        (403, "403 Your chosen model requires moderation and your input was flagged", Kind.CLIENT),
        (403, "content_policy_violation", Kind.CLIENT),
        (401, "your input was flagged", Kind.CREDENTIAL),
        (403, "insufficient_quota", Kind.EXHAUSTED),
        (402, "", Kind.EXHAUSTED),
        (429, "rate_limit_exceeded", Kind.THROTTLED),
        (429, "insufficient_quota You exceeded your current quota", Kind.EXHAUSTED),
        (429, "spend_limit_exceeded", Kind.EXHAUSTED),
        (429, "enforced_spend_limit_reached", Kind.EXHAUSTED),
        (400, "billing_error", Kind.EXHAUSTED),
        (400, "billing_hard_limit_reached invalid_request_error", Kind.EXHAUSTED),
        (429, "billing_not_active", Kind.EXHAUSTED),
        (429, "organization_spend_limit_exceeded", Kind.EXHAUSTED),
        (
            400,
            "invalid_request_error Your credit balance is too low to access the Anthropic API.",
            Kind.EXHAUSTED,
        ),
        (
            400,
            "invalid_request_error You have reached your specified API usage limits.",
            Kind.EXHAUSTED,
        ),
        (403, "credit_balance_exhausted", Kind.EXHAUSTED),
        (408, "", Kind.TIMEOUT),
        (504, "", Kind.TIMEOUT),
        (500, "", Kind.OVERLOADED),
        (502, "", Kind.OVERLOADED),
        (503, "", Kind.OVERLOADED),
        (529, "overloaded_error", Kind.OVERLOADED),
        (599, "", Kind.OVERLOADED),
        (413, "", Kind.CONTEXT),
        (400, "context_length_exceeded", Kind.CONTEXT),
        (400, "This model's MAXIMUM CONTEXT length is 4096 tokens", Kind.CONTEXT),
        (400, "prompt is too long: 250000 tokens > 200000 maximum", Kind.CONTEXT),
        (400, "exceed_context_size_error", Kind.CONTEXT),
        (500, "maximum context", Kind.OVERLOADED),
        (100, "", Kind.BROKEN),
        (204, "", Kind.BROKEN),
        (302, "", Kind.BROKEN),
        (399, "insufficient_quota", Kind.BROKEN),
        (600, "", Kind.BROKEN),
        (0, "", Kind.BROKEN),
    ],
)
def test_status_and_words(status: int, text: str, kind: Kind) -> None:
    assert kind is classify(status, text)


@given(st.integers(-1, 1000), st.text())
def test_every_status_has_a_class(status: int, text: str) -> None:
    kind = classify(status, text)

    assert kind in Kind
    if kind is Kind.CLIENT:
        assert 400 <= status < 500


def test_only_calls_that_went_out_unanswered_may_be_billed() -> None:
    assert {"timeout", "lost", "broken"} == {str(kind) for kind in MAYBE_BILLED}


def test_every_class_that_is_told_by_a_code_has_one() -> None:
    own = {Kind.TIMEOUT, Kind.UNSUPPORTED, Kind.CONTEXT, Kind.CLIENT}

    assert set(Kind) - own == set(CODES)


def test_key_that_is_restricted_is_told_from_one_that_is_wrong() -> None:
    assert lacks_scope("You have insufficient permissions for this operation.")
    assert lacks_scope("Missing scopes: api.model.read")
    assert not lacks_scope("Incorrect API key provided")
