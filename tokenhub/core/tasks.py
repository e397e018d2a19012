"""The kind of work that a request asks for, by a few rules on its text.

Models differ by kind more than by anything else that is cheap to see (on RouterBench a table by
kind saves a quarter of the cost at the quality of the best model). The rules look at words that
people write in such requests, and at no template of any benchmark.
"""

import re

CHAT, CODE, MATHS, CHOICE, EXTRACTION, LONG = (
    "chat",
    "code",
    "maths",
    "choice",
    "extraction",
    "long_context",
)
TASKS = (CHAT, CODE, MATHS, CHOICE, EXTRACTION, LONG)
# Above it, what a model does with a long prompt matters more than what is asked about it.
LONG_FROM_TOKENS = 8_000
# What is asked stands at the beginning of a prompt or at its end.
_HEAD, _TAIL = 1_000, 1_500

# Every request is asked, so its words are looked up in sets, and signs and patterns are looked for
# only where a word says that they may fit: patterns alone took five times as long.
_APART = bytes(
    0x20 if chr(byte).isascii() and not chr(byte).isalnum() and byte not in b"_+" else byte
    for byte in range(256)
)

_OPTION_WORDS = frozenset((b"b", b"option", b"options", b"choices"))
_OPTIONS = (
    (b"(a)", b"(b)"),
    (b" a. ", b" b. "),
    (b" a) ", b" b) "),
    (b"option 1", b"option 2"),
    (b"option a", b"option b"),
)
_LISTS = (b"options:", b"choices:")

_CODE_WORDS = frozenset(
    b"python javascript typescript java rust golang c++ sql bash regex traceback refactor debug "
    b"compile compiles compiler compilers".split()
)
_CODE_OPENS = frozenset(b"def class select include unit source stack".split())
_CODE = re.compile(
    rb"\bdef \w+\(|\bclass \w+[:({]|\bselect .{1,200} from |#include|unit test|source code"
    rb"|stack trace",
    re.DOTALL,
)

_EXTRACTION_WORDS = frozenset(
    b"extract extracts extracted extracting extraction summarize summarise summarized summarised "
    b"classify translate translated translation json_schema".split()
)
_EXTRACTION_OPENS = frozenset(b"summary label list find json key named".split())
_EXTRACTION = re.compile(
    rb"summary of|label (?:the|each)|list (?:all|every)|find all|(?:as|in) json|key points"
    rb"|named entit"
)

_MATHS_WORDS = frozenset(
    b"solve equation equations integral integrals derivative derivatives prove theorem theorems "
    b"calculate compute probability percent percentage frac sqrt".split()
)
_HOW, _HOW_MANY = b"how", re.compile(rb"how (?:many|much)")
# A sum; 2026-11-22 and 24/7 are none.
_SUM = re.compile(rb"\d ?[+*^=] ?\(?-?\d|\d [-/] \(?-?\d")

_TELLING = frozenset().union(
    _OPTION_WORDS, _CODE_WORDS, _CODE_OPENS, _EXTRACTION_WORDS, _EXTRACTION_OPENS, _MATHS_WORDS
) | {_HOW}


def task_of(payload: bytes, *, input_tokens: int) -> str:
    """The kind, one of TASKS, of a request in any dialect's JSON."""
    if input_tokens >= LONG_FROM_TOKENS:
        return LONG
    text = payload
    if len(text) > _HEAD + _TAIL:
        text = text[:_HEAD] + text[-_TAIL:]
    text = text.lower()
    flat = text.replace(rb"\n", b" ")
    words = _TELLING.intersection(flat.translate(_APART).split())
    for kind, fits in _RULES:
        if fits(text, flat, words):
            return kind
    return CHAT


def _is_choice(_text: bytes, flat: bytes, words: frozenset[bytes]) -> bool:
    """Whether it holds two options of a list, or says that a list of them follows."""
    if words.isdisjoint(_OPTION_WORDS):
        return False
    listed = any(one in flat and other in flat for one, other in _OPTIONS)
    return listed or any(sign in flat for sign in _LISTS)


def _is_code(text: bytes, flat: bytes, words: frozenset[bytes]) -> bool:
    return (
        not words.isdisjoint(_CODE_WORDS)
        or b"```" in text
        or rb";\n" in text
        or b"=> {" in text
        or (not words.isdisjoint(_CODE_OPENS) and _CODE.search(flat) is not None)
    )


def _is_extraction(_text: bytes, flat: bytes, words: frozenset[bytes]) -> bool:
    return not words.isdisjoint(_EXTRACTION_WORDS) or (
        not words.isdisjoint(_EXTRACTION_OPENS) and _EXTRACTION.search(flat) is not None
    )


def _is_maths(_text: bytes, flat: bytes, words: frozenset[bytes]) -> bool:
    return (
        not words.isdisjoint(_MATHS_WORDS)
        or (_HOW in words and _HOW_MANY.search(flat) is not None)
        or _SUM.search(flat) is not None
    )


_RULES = ((CHOICE, _is_choice), (CODE, _is_code), (EXTRACTION, _is_extraction), (MATHS, _is_maths))
