"""Everything that can go wrong, named.

    TokenHubError
    ├── BadRequest              the caller's bytes or values; nothing was done
    │   ├── TooLarge
    │   ├── UnsupportedMediaType
    │   └── KeyReused           an idempotency key that came with another request before
    ├── Unauthenticated         no, unknown, disabled or expired key: one answer for all
    │   └── WrongPassword       it does not open the vault
    ├── OutOfScope              a good key that may not do this
    │   └── NotAllowed          nor use any of the models that could answer
    ├── NotFound
    ├── MethodNotAllowed
    ├── Conflict                the change contradicts what is there
    │   ├── Stale               the row has changed since the caller read it
    │   ├── InFlight            a request with this idempotency key is being answered
    │   └── OutcomeUnknown      one with this key ran, and cannot be answered the same again
    ├── RateLimited
    ├── BudgetExceeded          the key has no money left for this, whatever model answers
    │   └── TooManyFailures     of those who tried to get in, from one address or from all
    ├── NoEligibleModel         every model was left out; carries each reason
    ├── ProviderFailed          the last attempt's failure; carries all attempts
    │   ├── ProviderRefused     the provider blames the caller's request
    │   └── DeadlineExceeded    time ran out on the way
    └── Unavailable             TokenHub itself cannot serve now
        ├── VaultLocked         it needs a secret that is locked away
        └── VaultDamaged        the vault on disk is not as it was written

Status codes live in web/errors.py, exit codes in tokenhub_cli/exits.py.
"""

from collections.abc import Sequence
from typing import Any

from tokenhub.core.buckets import UNLIMITED, Allowance


class TokenHubError(Exception):
    """The root. `str(error)` is fit for the caller's eyes; `code` for their program's."""

    code = "internal_error"

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        if code is not None:
            self.code = code


class BadRequest(TokenHubError):
    """The request cannot be understood. `field` names the part, as a path, where known.

    `skipped` are the `Skip`s of a request that fits no model.
    """

    code = "invalid_request"

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        field: str | None = None,
        skipped: Sequence[Any] = (),
    ) -> None:
        super().__init__(message, code=code)
        self.field = field
        self.skipped = tuple(skipped)


class TooLarge(BadRequest):
    code = "request_too_large"


class UnsupportedMediaType(BadRequest):
    code = "unsupported_media_type"


class KeyReused(BadRequest):
    code = "idempotency_key_reuse"


class Unauthenticated(TokenHubError):
    code = "invalid_api_key"


class WrongPassword(Unauthenticated):
    """It opens nothing; the admin token itself was good."""

    code = "vault_password_wrong"


class OutOfScope(TokenHubError):
    code = "insufficient_scope"


class NotAllowed(OutOfScope):
    """The key's lists leave no model. `skipped` are the `Skip`s."""

    code = "model_not_allowed"

    def __init__(self, message: str, *, skipped: Sequence[Any] = ()) -> None:
        super().__init__(message)
        self.skipped = tuple(skipped)


class NotFound(TokenHubError):
    code = "not_found"


class MethodNotAllowed(TokenHubError):
    code = "method_not_allowed"

    def __init__(self, message: str, *, allow: Sequence[str]) -> None:
        super().__init__(message)
        self.allow = tuple(allow)


class Conflict(TokenHubError):
    code = "conflict"


class Stale(Conflict):
    code = "stale"


class InFlight(Conflict):
    code = "idempotency_in_flight"
    retry_after_s = 1.0


class OutcomeUnknown(Conflict):
    code = "idempotency_outcome_unknown"


class RateLimited(TokenHubError):
    """Too many requests. `allowance` is what the bucket said at `at`, in Unix seconds.

    `tokens` is the same of the bucket of tokens. `retry_after_s` is None where waiting is no help.
    """

    code = "rate_limit_exceeded"

    def __init__(
        self,
        message: str,
        *,
        retry_after_s: float | None,
        allowance: Allowance = UNLIMITED,
        tokens: Allowance = UNLIMITED,
        at: float = 0.0,
    ) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s
        self.allowance = allowance
        self.tokens = tokens
        self.at = at


class BudgetExceeded(TokenHubError):
    """The key's monthly budget bears no more. To try again does not help before it is raised.

    `reserved_nusd` is held for requests under way. `speech` is the caller's format: Anthropic's
    has a status of its own for it.
    """

    code = "budget_exceeded"
    speech = "openai"

    def __init__(
        self,
        message: str,
        *,
        budget_nusd: int,
        spent_nusd: int,
        reserved_nusd: int = 0,
        speech: str = "openai",
    ) -> None:
        super().__init__(message)
        self.budget_nusd = budget_nusd
        self.spent_nusd = spent_nusd
        self.reserved_nusd = reserved_nusd
        self.speech = speech


class TooManyFailures(RateLimited):
    """Credentials are not looked at for a while, so that nobody can go on guessing."""

    code = "too_many_failures"


class NoEligibleModel(TokenHubError):
    """No model may answer. `skipped` are the `Skip`s, each with its reason and numbers.

    `retry_after_s` is the time after which the first of them may, None where nobody knows.
    """

    code = "no_provider_available"

    def __init__(
        self, message: str, *, skipped: Sequence[Any] = (), retry_after_s: float | None = None
    ) -> None:
        super().__init__(message)
        self.skipped = tuple(skipped)
        self.retry_after_s = retry_after_s


class ProviderFailed(TokenHubError):
    """No attempt brought an answer. `attempts` are the `Attempt`s, first to last."""

    code = "upstream_error"

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        attempts: Sequence[Any] = (),
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(message, code=code)
        self.attempts = tuple(attempts)
        self.retry_after_s = retry_after_s


class ProviderRefused(ProviderFailed):
    """The provider found fault with the caller's own request; its status is passed on.

    `code` is the provider's own word. Where only ours may stand, `kind` is it.
    """

    kind = "upstream_refused"

    def __init__(
        self,
        message: str,
        *,
        status: int,
        code: str | None = None,
        field: str | None = None,
        attempts: Sequence[Any] = (),
    ) -> None:
        super().__init__(message, code=code or "invalid_request", attempts=attempts)
        self.status = status
        self.field = field


class DeadlineExceeded(ProviderFailed):
    code = "upstream_timeout"


class Unavailable(TokenHubError):
    code = "unavailable"


class VaultLocked(Unavailable):
    """A secret is needed and the vault is locked. `skipped` are the `Skip`s of a request."""

    code = "vault_locked"

    def __init__(self, message: str = "", *, skipped: Sequence[Any] = ()) -> None:
        super().__init__(message or 'vault is locked; unlock it with "tokenhubctl vault unlock"')
        self.skipped = tuple(skipped)


class VaultDamaged(Unavailable):
    code = "vault_damaged"
