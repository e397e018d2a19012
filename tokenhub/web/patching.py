"""The fields that a PATCH really carried."""

import msgspec
from msgspec import UNSET


def given(patch: msgspec.Struct) -> dict[str, object]:
    """Each field that was sent, null included, by its name."""
    fields = ((name, getattr(patch, name)) for name in patch.__struct_fields__)
    return {name: value for name, value in fields if value is not UNSET}
