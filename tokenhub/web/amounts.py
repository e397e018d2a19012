"""Money and durations on the wire."""

from tokenhub.core.money import usd


def dollars(amount_nusd: int | None) -> float | None:
    """USD; None stays unknown."""
    return None if amount_nusd is None else usd(amount_nusd)


def milliseconds(seconds: float) -> float:
    """To the microsecond."""
    return round(seconds * 1000, 3)
