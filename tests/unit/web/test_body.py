import msgspec
import pytest

from tokenhub.core.errors import BadRequest
from tokenhub.web.body import decoded


class Thing(msgspec.Struct, forbid_unknown_fields=True):
    id: str
    weight: int = 0
    urls: list[str] = []
    extra: msgspec.Raw = msgspec.Raw(b"null")


@pytest.mark.parametrize(
    ("code", "field", "body"),
    [
        ("invalid_json", None, b""),
        ("invalid_json", None, b"{"),
        ("invalid_json", None, b'{"id": "a"} x'),
        ("invalid_json", None, b'{"id": NaN}'),
        ("invalid_utf8", None, b'{"id": "\xff"}'),
        ("json_too_deep", None, b'{"id": "a", "extra": ' + b"[" * 2000 + b"]" * 2000 + b"}"),
        ("invalid_type", None, b"[]"),
        ("invalid_type", "id", b"{}"),
        ("invalid_type", "id", b'{"id": 5}'),
        ("invalid_type", "weight", b'{"id": "a", "weight": "9"}'),
        ("invalid_type", "weight", b'{"id": "a", "weight": 1.5}'),
        ("invalid_type", "urls[1]", b'{"id": "a", "urls": ["x", 1]}'),
        ("invalid_type", "wight", b'{"id": "a", "wight": 1}'),
    ],
)
def test_bad_bodies_name_what_is_wrong(code, field, body):
    with pytest.raises(BadRequest) as refused:
        decoded(body, Thing)

    assert (code, field) == (refused.value.code, refused.value.field)


def test_a_good_body_is_its_value():
    assert Thing(id="a", weight=3) == decoded(b'{"id": "a", "weight": 3}', Thing)
