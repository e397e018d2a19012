"""As much of PromQL as the alert rules need, evaluated over scrapes: for where promtool is missing.

Series are samples at a fixed step. `rate` and `increase` do not extrapolate to the edges of their
window, which promtool does: rules are to be far enough from their bounds for that not to matter.
A rule fires once its expression has given something at each step of its `for`.
"""

import re
from collections import defaultdict
from itertools import pairwise

TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+(?:\.\d+)?)(?![\w\]])|(?P<name>[a-zA-Z_]\w*)|(?P<range>\[\d+[mh]\])"
    r"|(?P<text>\"[^\"]*\")|(?P<op>!~|=~|!=|==|>|<|[(){},=/*]))"
)
STEP_S = 60
MINUTES = {"m": 1, "h": 60}
SUMS = {"sum": sum, "max": max, "count": len}


class Query:
    """An expression. `at(series, t)` gives its value at a step, by sorted labels; {} for nothing.

    `series` has for each (name, sorted labels) the samples of all steps, None where there is none.
    """

    def __init__(self, text):
        self._tokens, at = [], 0
        text = text.strip()
        while at < len(text):
            found = TOKEN.match(text, at)
            assert found, f"this is no PromQL that is known here: {text[at:]}"
            self._tokens.append((found.lastgroup, found.group(found.lastgroup)))
            at = found.end()
        self._at = 0
        self._tree = self._either()
        assert self._at == len(self._tokens), self._tokens[self._at :]

    def at(self, series, t):
        return value(self._tree, series, t)

    def _peek(self):
        return self._tokens[self._at][1] if self._at < len(self._tokens) else ""

    def _take(self, wanted=None):
        kind, text = self._tokens[self._at]
        assert wanted in {None, text}, (wanted, text)
        self._at += 1
        return kind, text

    def _either(self):
        left = self._both()
        while self._peek() == "or":
            self._take()
            left = ("or", left, self._both())
        return left

    def _both(self):
        left = self._compared()
        while self._peek() == "and":
            self._take()
            for part in ("on", "(", ")"):
                self._take(part)
            left = ("and", left, self._compared())
        return left

    def _compared(self):
        left = self._product()
        while self._peek() in {">", "=="}:
            left = (self._take()[1], left, self._product())
        return left

    def _product(self):
        left = self._one()
        while self._peek() in {"/", "*"}:
            left = (self._take()[1], left, self._one())
        return left

    def _one(self):
        kind, text = self._take()
        if kind == "number":
            return ("number", float(text))
        if text == "(":
            inner = self._either()
            self._take(")")
            return inner
        if text in SUMS:
            by = self._names() if self._peek() == "by" else ()
            self._take("(")
            inner = self._either()
            self._take(")")
            return ("sum", text, by, inner)
        if self._peek() == "(":
            self._take()
            inner = [self._either()]
            while self._peek() == ",":
                self._take()
                inner.append(self._either())
            self._take(")")
            return ("call", text, *inner)
        return self._selector(text)

    def _names(self):
        self._take("by")
        self._take("(")
        names = []
        while self._peek() != ")":
            kind, text = self._take()
            if kind == "name":
                names.append(text)
        self._take(")")
        return tuple(names)

    def _selector(self, name):
        matchers = []
        if self._peek() == "{":
            self._take()
            while self._peek() != "}":
                label, op, text = self._take()[1], self._take()[1], self._take()[1][1:-1]
                matchers.append((label, op, text))
                if self._peek() == ",":
                    self._take()
            self._take("}")
        steps = 0
        if self._peek().startswith("["):
            _, text = self._take()
            steps = int(text[1:-2]) * MINUTES[text[-2]]
        return ("select", name, matchers, steps)


def value(tree, series, t):  # noqa: PLR0911 - one for each kind of node
    kind, *rest = tree
    if kind == "number":
        return rest[0]
    if kind == "select":
        name, matchers, _ = rest
        return {
            labels: samples[t]
            for (one, labels), samples in series.items()
            if one == name and samples[t] is not None and matches(dict(labels), matchers)
        }
    if kind == "sum":
        how, by, inner = rest
        groups = defaultdict(list)
        for labels, number in value(inner, series, t).items():
            groups[tuple((n, v) for n, v in labels if n in by)].append(number)
        return {labels: float(SUMS[how](numbers)) for labels, numbers in groups.items()}
    if kind == "call":
        return called(rest[0], rest[1:], series, t)
    left, right = (value(one, series, t) for one in rest)
    if kind == "or":
        return right | left
    if kind == "and":
        return left if right else {}
    return combined(kind, left, right)


def combined(op, left, right):
    """A vector and a number, or two vectors by their labels. A comparison keeps the left."""
    if isinstance(left, float):
        return {labels: left * number for labels, number in right.items()}
    found = {}
    for labels, one in left.items():
        other = right if isinstance(right, float) else right.get(labels)
        if other is None:
            continue
        if op == ">":
            found |= {labels: one} if one > other else {}
        elif op == "==":
            found |= {labels: one} if one == other else {}
        elif op == "/":
            found |= {labels: one / other} if other else {}  # 0/0 is no number, above nothing
        else:
            found[labels] = one * other
    return found


def called(name, given, series, t):
    if name == "vector":
        return {(): given[0][1]}
    if name == "absent":
        return {} if value(given[0], series, t) else {(): 1.0}
    if name == "histogram_quantile":
        return quantile(given[0][1], value(given[1], series, t))
    _, metric, matchers, steps = given[0]
    found = {}
    for (one, labels), samples in series.items():
        if one != metric or not matches(dict(labels), matchers):
            continue
        window = [v for v in samples[max(0, t - steps) : t + 1] if v is not None]
        if len(window) > 1:
            grown = sum(max(0.0, b - a) for a, b in pairwise(window))
            found[labels] = grown if name == "increase" else grown / (len(window) - 1) / STEP_S
    return found


def quantile(part, buckets):
    """By the buckets' bounds, with straight lines between them, as Prometheus has it."""
    groups = defaultdict(list)
    for labels, count in buckets.items():
        bound = float(dict(labels)["le"])
        groups[tuple(pair for pair in labels if pair[0] != "le")].append((bound, count))
    found = {}
    for labels, pairs in groups.items():
        pairs.sort()
        rank = part * pairs[-1][1]
        if not rank:
            continue
        below, under = 0.0, 0.0
        for bound, count in pairs:
            if count >= rank:
                last = below if bound == float("inf") else bound
                found[labels] = below + (last - below) * (rank - under) / (count - under)
                break
            below, under = bound, count
    return found


def matches(labels, matchers):
    checks = {
        "=": lambda has, text: has == text,
        "!=": lambda has, text: has != text,
        "=~": lambda has, text: re.fullmatch(text, has) is not None,
        "!~": lambda has, text: re.fullmatch(text, has) is None,
    }
    return all(checks[op](labels.get(name, ""), text) for name, op, text in matchers)


def firing(rule, series, steps):
    """The steps at which a rule fires."""
    query = Query(rule["expr"])
    pause = rule.get("for", "0m")
    needed = int(pause[:-1]) * MINUTES[pause[-1]]
    held, found = 0, set()
    for t in range(steps):
        held = held + 1 if query.at(series, t) else 0
        if held > needed:
            found.add(t)
    return found
