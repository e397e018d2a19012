"""Texts of models inside the words of a plan, so that none of them can break out of its quotes."""

import re
from collections.abc import Sequence


def tag(name: str, texts: Sequence[str]) -> str:
    """A tag to put the texts in that none of them holds: the name, or with a number behind it.

    Whoever has seen the words of a plan could write an end of the quote, and a better answer, a
    kinder review or an order behind it.
    """
    # Blanks and digits are bounded, so that the time is linear in the texts.
    held = re.compile(rf"<\s{{0,8}}/?\s{{0,8}}{name}(?:-([0-9]{{1,6}}))?", re.IGNORECASE)
    numbers = {int(found or 1) for text in texts for found in held.findall(text)}
    number = next(number for number in range(1, len(numbers) + 2) if number not in numbers)
    return name if number == 1 else f"{name}-{number}"
