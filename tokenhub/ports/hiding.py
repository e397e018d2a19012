"""Keeping secrets out of the log."""

from collections.abc import Callable

# Told of a secret, in whatever form, it keeps it out of everything that is logged from then on.
Hide = Callable[[str | bytes], object]


def shown(_secret: str | bytes) -> None:
    """A Hide that hides nothing, where nothing is logged."""
