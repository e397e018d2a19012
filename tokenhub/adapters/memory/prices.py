"""A price list that holds what it is given: the tests' twin of the installed one."""

from collections.abc import Mapping, Sequence

from tokenhub.ports.prices import Edition, Listed, Wanted

_MISSING = Listed(missing="model_not_listed")


class MemoryPriceList:
    """A PriceList of `entries`, by base URL and model id. `asked` are the questions so far."""

    def __init__(self, entries: Mapping[tuple[str, str], Listed] | None = None) -> None:
        self.entries = dict(entries or {})
        self.asked: list[Wanted] = []

    async def find(self, wanted: Sequence[Wanted], *, at: float) -> Edition:  # noqa: ARG002 - always the same prices
        self.asked += wanted
        found = [self.entries.get((one.base_url, one.model_id), _MISSING) for one in wanted]
        return Edition(name="a list of the tests", entries=tuple(found))
