"""What to do about what went wrong."""

from tokenhub.client import errors
from tokenhub_tui.link import Unanswered

# By what went wrong with what a screen asks for again and again, and with what the user did.
_BY_KIND: dict[type[errors.ClientError], tuple[str, str]] = {
    errors.Unauthorized: ("c chooses another server or token",) * 2,
    errors.Unreadable: ("is this TokenHub? c chooses another server",) * 2,
    errors.Unreachable: ("it is asked again by itself; r asks now", "do it again later"),
    errors.NotFound: ("esc goes back", ""),
    errors.ClientError: ("r asks again", ""),
}
# By the server's codes.
_BY_CODE = {
    "vault_locked": "u unlocks the vault",
    "vault_not_initialized": "u sets the vault up",
    "not_recorded": "what was seen while it was made is there, and what its events tell",
}


def explained(error: Exception, *, asked: bool, token: str) -> tuple[str, str]:
    """What went wrong in a sentence without the `token`, and what to do; empty where nothing helps.

    `asked` says that a screen asked for something; otherwise the user did.
    """
    if isinstance(error, Unanswered):
        again = "look how it is before you do it again" if error.heard else "do it again later"
        return str(error), again
    if not isinstance(error, errors.ClientError):
        said = f"{type(error).__name__}: {error}"
        fault = "this is a fault of the console" + ("; r asks again" if asked else "")
        return said.replace(token, "…") if token else said, fault
    remedies = next(both for kind, both in _BY_KIND.items() if isinstance(error, kind))
    remedy = remedies[0] if asked else remedies[1]
    if isinstance(error, errors.Refused):
        remedy = _BY_CODE.get(error.code, remedy)
        if error.request_id and not isinstance(error, errors.Unauthorized | errors.NotFound):
            return f"{error} (request {error.request_id})", remedy
    return str(error), remedy
