"""Where the console begins."""

import msgspec


class Start(msgspec.Struct, frozen=True, kw_only=True):
    """A place, with the filter that it begins with; or one request, above it. A theme, or none."""

    place: str = "live"
    wanted: str = ""
    request_id: str = ""
    theme: str = ""
