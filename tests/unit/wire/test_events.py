"""What the reference says of events is what they are."""

import msgspec

from tokenhub.core.events import HEARTBEAT, OF_THE_STREAM, TYPES
from tokenhub.wire.events import FIELDS, Event
from tokenhub.wire.events import TYPES as CHOICES


def test_every_field_is_described():
    assert Event.__struct_fields__ == tuple(sorted(FIELDS, key=Event.__struct_fields__.index))


def test_every_field_belongs_to_a_type_and_every_type_has_fields_that_there_are():
    named = {field for kind in (TYPES | OF_THE_STREAM).values() for field in kind.fields}

    assert set(FIELDS) == named | {"type", "timestamp"}


def test_what_is_empty_is_left_out():
    told = msgspec.json.decode(msgspec.json.encode(Event(type="attempt", timestamp="now")))

    assert {"type": "attempt", "timestamp": "now"} == told


def test_a_reader_can_choose_what_the_server_tells():
    assert (*TYPES, HEARTBEAT) == CHOICES
