"""The error tree: a code on each branch, and the values that its reader needs."""

import pytest

from tokenhub.core import errors
from tokenhub.core.errors import (
    BadRequest,
    MethodNotAllowed,
    NoEligibleModel,
    ProviderFailed,
    ProviderRefused,
    RateLimited,
    TokenHubError,
)


def tree(root: type[TokenHubError]) -> list[type[TokenHubError]]:
    return [root, *(below for child in root.__subclasses__() for below in tree(child))]


def test_every_error_is_drawn_in_the_tree_and_has_a_code_of_its_own() -> None:
    everything = [kind for kind in tree(TokenHubError) if kind.__module__ == errors.__name__]

    codes = {kind.code for kind in everything if kind is not ProviderRefused}

    assert len(everything) - 1 == len(codes)
    for kind in everything:
        assert f" {kind.__name__}" in str(errors.__doc__)


def test_code_of_one_error_does_not_change_its_class() -> None:
    error = BadRequest("no", code="invalid_json", field="model")

    assert ("invalid_json", "model", "no") == (error.code, error.field, str(error))
    assert "invalid_request" == BadRequest("no").code
    assert BadRequest("no").field is None


def test_errors_keep_their_values() -> None:
    assert ("GET", "PUT") == MethodNotAllowed("no", allow=["GET", "PUT"]).allow
    assert 3.5 == RateLimited("slow down", retry_after_s=3.5).retry_after_s
    assert ("a skip",) == NoEligibleModel("none", skipped=["a skip"]).skipped
    failed = ProviderFailed("down", attempts=["one"], retry_after_s=2.0)
    assert (("one",), 2.0, "upstream_error") == (failed.attempts, failed.retry_after_s, failed.code)


@pytest.mark.parametrize(("given", "told"), [(None, "invalid_request"), ("bad_tool", "bad_tool")])
def test_refusal_carries_the_providers_status_and_code(given: str | None, told: str) -> None:
    refused = ProviderRefused("no such tool", status=422, code=given, field="tools")

    assert (422, told, "tools") == (refused.status, refused.code, refused.field)
