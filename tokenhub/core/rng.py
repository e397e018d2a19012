"""Random draws that can be computed again: a seed and a counter give one number, for ever.

The generator is SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators,
OOPSLA 2014; constants of Vigna's public-domain splitmix64.c). Its state only ever grows by GAMMA,
so that draw number n needs no draws before it. Not for secrets: the seed follows from a draw.
"""

import math

GAMMA = 0x9E37_79B9_7F4A_7C15
MASK = 0xFFFF_FFFF_FFFF_FFFF


def splitmix64(state: int) -> int:
    """The 64-bit output that follows this state. The state after it is `state + GAMMA`."""
    z = (state + GAMMA) & MASK
    z = ((z ^ (z >> 30)) * 0xBF58_476D_1CE4_E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D0_49BB_1331_11EB) & MASK
    return z ^ (z >> 31)


def draw(seed: int, counter: int) -> int:
    """Output number `counter` (from 0) of the generator started at `seed`, in [0, 2**64)."""
    return splitmix64(seed + counter * GAMMA)


def split(seed: int, stream: int) -> int:
    """The seed of stream number `stream`: draws of two streams do not resemble each other."""
    return splitmix64(splitmix64(seed) ^ (stream & MASK))


def uniform(seed: int, counter: int) -> float:
    """A draw in [0, 1): the upper 53 bits, as many as a float holds."""
    return (draw(seed, counter) >> 11) * 2.0**-53


def below(seed: int, counter: int, count: int) -> int:
    """A draw in [0, count). The bias is under count / 2**64."""
    return (draw(seed, counter) * count) >> 64


def normal(seed: int, counter: int) -> float:
    """A draw of the standard normal distribution (Box-Muller), from `counter` and `counter + 1`.

    The last bit is the platform's: `log` and `cos` are those of its C library.
    """
    radius = math.sqrt(-2.0 * math.log(1.0 - uniform(seed, counter)))
    return radius * math.cos(math.tau * uniform(seed, counter + 1))
