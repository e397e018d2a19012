from tokenhub.web.patching import given
from tokenhub.wire.catalog import ModelPatch


def test_what_was_not_sent_is_not_there_and_null_is():
    assert {"weight": 2, "input_per_1k": None} == given(ModelPatch(weight=2, input_per_1k=None))
