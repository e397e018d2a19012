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
_HEAD, _TAIL = 1_500, 2_500

# Two options of a list: "(A) ... (B)", "A. ... B.", "A) ... B)", "option 1 ... option 2".
_CHOICE = re.compile(
    rb"\(a\).{1,600}?\(b\)|(?:\\n|\n| )a[.)] .{1,600}?(?:\\n|\n| )b[.)] "
    rb"|option (?:1|a)\b.{1,600}?option (?:2|b)\b|(?:options|choices):",
    re.DOTALL,
)
_CODE = re.compile(
    rb"```|\bdef \w+\(|\bclass \w+[:({]|#include|\bselect .{1,200} from |=> ?{|;\\n"
    rb"|\b(?:python|javascript|typescript|java|rust|golang|c\+\+|sql|bash|regex)\b"
    rb"|\b(?:unit test|source code|stack trace|traceback|refactor|compile[rs]?|debug)\b",
    re.DOTALL,
)
_EXTRACTION = re.compile(
    rb"\b(?:extract|summari[sz]e|summary of|classify|label (?:the|each)|list (?:all|every)|find all"
    rb"|as json|in json|json_schema|translate|key points|named entit)"
)
_MATHS = re.compile(
    rb"\bhow (?:many|much)\b|\bsolve\b|\bequation|\bintegral|\bderivative|\bprove\b|\btheorem"
    rb"|\bcalculate\b|\bcompute\b|\bprobability\b|\bpercent|\\\\(?:frac|sqrt|int|sum)\b"
    rb"|\d ?[-+*/^=] ?\(?-?\d"
)


def task_of(payload: bytes, *, input_tokens: int) -> str:
    """The kind, one of TASKS, of a request in any dialect's JSON."""
    if input_tokens >= LONG_FROM_TOKENS:
        return LONG
    text = payload
    if len(text) > _HEAD + _TAIL:
        text = text[:_HEAD] + text[-_TAIL:]
    text = text.lower()
    for kind, rule in _RULES:
        if rule.search(text):
            return kind
    return CHAT


_RULES = ((CHOICE, _CHOICE), (CODE, _CODE), (EXTRACTION, _EXTRACTION), (MATHS, _MATHS))
