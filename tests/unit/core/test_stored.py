"""Records of every version are read, and what is none is refused in one way."""

import msgspec
import pytest

from tests.support.builders import a_catalog, a_model, a_policy, an_intent, signals
from tests.support.old_record import an_old_record
from tokenhub.core.decide import decide
from tokenhub.core.stored import Earned, Earner, drawn_otherwise, record_of


@pytest.mark.parametrize("mode", ["cheap", "thompson"])
def test_a_record_of_today_is_read_as_it_was_written(mode):
    intent = msgspec.structs.replace(an_intent(), policy=a_policy(mode=mode))
    record = decide(intent, a_catalog(a_model("m", "p"), a_model("n", "p")), signals(), 7).record

    found = record_of(msgspec.json.encode(record))

    assert record == found
    assert not drawn_otherwise(found)


def test_a_draw_of_before_is_kept_as_what_it_was():
    found = record_of(msgspec.json.encode(an_old_record(3)))

    assert drawn_otherwise(found)
    assert (3, "thompson") == (found.catalog_version, found.policy.mode)
    first = found.candidates[0]
    assert isinstance(first, Earner)
    assert ("a/big", None, Earned(12.5, 3.25, 0.8518080731246288)) == (
        first.route,
        first.sample,
        first.earned,
    )


@pytest.mark.parametrize(
    "written",
    [
        b"[]",
        b"{}",
        b'{"candidates": 5}',
        b'{"candidates": [[]]}',
        msgspec.json.encode(an_old_record(3) | {"candidates": [["a/big", 0.0]]}),
        msgspec.json.encode(an_old_record(3) | {"seed": "none"}),
        b"not JSON",
    ],
)
def test_what_is_no_record_is_refused(written):
    with pytest.raises(msgspec.DecodeError):
        record_of(written)
