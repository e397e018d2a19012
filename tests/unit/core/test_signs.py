"""What signs say, beside somebody who has read the answer."""

import pytest

from tokenhub.core.signs import (
    ASKED_AGAIN,
    CALLED,
    FITTED,
    JUDGED_WEIGHT,
    MENDED,
    MISCALLED,
    MISFIT,
    SCHEMA_FAILED,
    of_calls,
    of_schema,
)


@pytest.mark.parametrize(
    ("error_class", "mended", "sign"),
    [
        ("", False, FITTED),
        ("", True, MENDED),
        (SCHEMA_FAILED, True, MISFIT),
        (SCHEMA_FAILED, False, MISFIT),
        ("upstream_timeout", False, None),
        ("ledger_unavailable", True, None),
    ],
)
def test_the_check_of_a_schema_is_a_sign(error_class, mended, sign):
    assert sign == of_schema(error_class=error_class, mended=mended)


@pytest.mark.parametrize(("well", "sign"), [(True, CALLED), (False, MISCALLED), (None, None)])
def test_calls_are_a_sign(well, sign):
    assert sign == of_calls(well)


def test_a_fault_says_more_than_its_absence_and_no_sign_as_much_as_a_reader():
    for good, bad in ((FITTED, MISFIT), (CALLED, MISCALLED)):
        assert good.weight < bad.weight < JUDGED_WEIGHT < 1
    assert ASKED_AGAIN.weight < JUDGED_WEIGHT
