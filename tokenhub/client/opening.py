"""Whether a stream opens: its first line, and no more of it."""

import httpx

from tokenhub.client.errors import Unreachable, Unreadable
from tokenhub.client.profile import Profile
from tokenhub.client.transport import _reason, _refusal, _settings

STREAM = "text/event-stream"


def first_line(profile: Profile, path: str, *, timeout_s: float) -> str:
    """The first line of a stream of events. Raises a ClientError.

    A proxy that keeps answers back until they are whole shows as one that takes too long.
    """
    settings = _settings(profile, timeout_s)
    try:
        with httpx.Client(**settings) as http, http.stream("GET", path) as response:
            if not response.is_success:
                response.read()
                raise _refusal(response)
            if not response.headers.get("content-type", "").startswith(STREAM):
                raise Unreadable(str(response.url), "it is no stream of events")
            return next(response.iter_lines(), "")
    except httpx.RequestError as error:
        raise Unreachable(profile.url, _reason(error)) from error
