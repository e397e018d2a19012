"""Decoding errors name the field, in a code that a program can read."""

import msgspec
import pytest

from tokenhub.core.errors import BadRequest
from tokenhub.dialects.decoding import answers, decoded


class Inner(msgspec.Struct, forbid_unknown_fields=True):
    size: int


class Outer(msgspec.Struct, forbid_unknown_fields=True):
    name: str = ""
    parts: list[Inner] = []
    inner: Inner | None = None


OUTER = msgspec.json.Decoder(Outer)


def test_good_value_is_given() -> None:
    assert Outer(name="é") == decoded(OUTER, '{"name":"é"}'.encode())
    assert Outer(name="x") == decoded(OUTER, msgspec.Raw(b'{"name":"x"}'))


@pytest.mark.parametrize(
    ("body", "code", "field", "message"),
    [
        (b"", "invalid_json", None, "invalid JSON: Input data was truncated"),
        (b"{", "invalid_json", None, "invalid JSON: Input data was truncated"),
        (b"[]", "invalid_type", None, "Expected `object`, got `array`"),
        (b'{"name":1}', "invalid_type", "name", "name: Expected `str`, got `int`"),
        (b'{"parts":[{}]}', "invalid_type", "parts[0].size", "parts[0].size is required"),
        (b'{"inner":{}}', "invalid_type", "inner.size", "inner.size is required"),
        (b'{"extra":1}', "invalid_type", "extra", "extra is not known"),
        (b'{"inner":{"x":1}}', "invalid_type", "inner.x", "inner.x is not known"),
        (
            b'{"inner":{" - at `$.name":1}}',
            "invalid_type",
            "inner. - at `$.name",
            "inner. - at `$.name is not known",
        ),
        (
            b'{"inner":{"missing required field `name":1}}',
            "invalid_type",
            "inner.missing required field `name",
            "inner.missing required field `name is not known",
        ),
        (b'{"name":"\xff"}', "invalid_utf8", None, "the body is not valid UTF-8"),
        (b'{"name":"\xc3"}', "invalid_utf8", None, "the body is not valid UTF-8"),
        (b"[" * 2000 + b"]" * 2000, "invalid_type", None, "Expected `object`, got `array`"),
        (b'{"\xff":1}', "invalid_utf8", None, "the body is not valid UTF-8"),
    ],
)
def test_error_names_its_class_and_its_field(
    body: bytes, code: str, field: str | None, message: str
) -> None:
    with pytest.raises(BadRequest) as caught:
        decoded(OUTER, body)

    assert (code, field, message) == (caught.value.code, caught.value.field, str(caught.value))


def test_nested_too_deep() -> None:
    decoder = msgspec.json.Decoder(msgspec.Raw)

    with pytest.raises(BadRequest) as caught:
        decoded(decoder, b"[" * 100_000 + b"]" * 100_000)

    assert "json_too_deep" == caught.value.code


def test_text_that_is_skipped_must_be_utf8_too() -> None:
    class Empty(msgspec.Struct):
        pass

    with pytest.raises(BadRequest) as caught:
        decoded(msgspec.json.Decoder(Empty), b'{"skipped":"\xff"}')

    assert "invalid_utf8" == caught.value.code


@pytest.mark.parametrize(
    ("told", "expected"),
    [(5.0, 5), ("5", 5), (" 7 ", 7), ("5.0", 5), (1e400, 1), ("x", 1), ("nan", 1), (-3.0, 1)],
    ids=repr,
)
def test_answers_are_counted_as_lenient_servers_read_their_number(told, expected):
    assert expected == answers(told)


@pytest.mark.parametrize("told", ["100000", 1e9], ids=repr)
def test_too_many_answers_are_refused_however_their_number_is_written(told):
    with pytest.raises(BadRequest):
        answers(told)


@pytest.mark.parametrize("number", ["1e300", "1.5E+286", "0.01e0999", "1e00300"])
def test_a_body_of_vast_numbers_is_refused_before_it_is_decoded(number: str) -> None:
    """Half a million of them held the interpreter for seven seconds."""
    decoder = msgspec.json.Decoder(list[float])

    with pytest.raises(BadRequest, match="at most 5000 may come"):
        decoded(decoder, f"[{','.join([number] * 5_001)}]".encode())


@pytest.mark.parametrize("number", ["1e285", "1e-300", "12e99"])
def test_a_body_of_ordinary_numbers_is_decoded(number: str) -> None:
    decoder = msgspec.json.Decoder(list[float])

    assert [float(number)] * 5_001 == decoded(decoder, f"[{','.join([number] * 5_001)}]".encode())
