import pytest

from tokenhub.admin.changes import ANY_VERSION, NO_VERSION, effective, expect
from tokenhub.core.catalog import Defaults
from tokenhub.core.errors import Stale

ENVIRONMENT = Defaults(mode="cheap", max_budget_nusd=7, max_latency_s=3.0)


def test_without_a_row_the_environment_holds():
    assert ENVIRONMENT == effective(Defaults(), ENVIRONMENT)


def test_a_row_overrides_only_what_it_says():
    row = Defaults(mode="", max_budget_nusd=0, max_latency_s=9.0, version=4)

    found = effective(row, ENVIRONMENT)

    assert ("cheap", 7, 9.0, 4) == (
        found.mode,
        found.max_budget_nusd,
        found.max_latency_s,
        found.version,
    )


def test_a_null_budget_takes_the_limit_away():
    row = Defaults(mode="", max_budget_nusd=None, max_latency_s=0.0, version=4)

    assert effective(row, ENVIRONMENT).max_budget_nusd is None


@pytest.mark.parametrize(
    ("expected", "versions"),
    [(None, (3,)), (None, (None,)), (3, (3,)), (9, (3, 9)), (ANY_VERSION, (3,))],
)
def test_a_version_that_is_there_passes(expected, versions):
    expect(expected, *versions)


@pytest.mark.parametrize(
    ("expected", "versions"),
    [(2, (3,)), (3, (None,)), (ANY_VERSION, (None,)), (NO_VERSION, (3,)), (0, (None,))],
)
def test_any_other_version_is_stale(expected, versions):
    with pytest.raises(Stale):
        expect(expected, *versions)
