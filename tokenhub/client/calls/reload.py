"""The call that makes a server read its settings anew."""

from tokenhub.client.call import Call
from tokenhub.wire.reload import Reloaded


def reload_settings() -> Call[Reloaded]:
    """Read the environment file and the credentials file; refused as a whole if one is broken."""
    return Call(method="POST", path="/admin/v1/reload", returns=Reloaded)
