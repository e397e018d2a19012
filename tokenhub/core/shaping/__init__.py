"""What is made of an answer's text, whole or as it streams.

The text flows through stages, each an automaton that holds back only what it cannot decide yet:

    think      takes `<think>...</think>` out            then trim
    cut        ends the text after so many bytes
    fenced     gives the JSON inside the first fence     then trim
    plain      takes Markdown's marks off each line      then trim

A whole answer takes the same way as a stream does, so that both come out alike however the text
was cut. Everything that is no text passes: ids, counts and calls stay what they were.
"""

from tokenhub.core.shaping.flow import BYTES_PER_TOKEN, MAX_HELD, Flow
from tokenhub.core.shaping.said import Shaper, shaped

__all__ = ["BYTES_PER_TOKEN", "MAX_HELD", "Flow", "Shaper", "shaped"]
