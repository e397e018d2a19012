"""The client and the command line against the server's routes: none is left out, none is stale."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.cli.live import living
from tests.support.commands import call_functions, commands, sample, sends
from tests.support.control import Control
from tokenhub.web.app import build
from tokenhub.web.front import GUARDS
from tokenhub.web.v1.models import PREFIX

Route = tuple[str, str]

# For browsers: pages, and the cookie that stands in for a token there. Programs send theirs.
PAGES = {("GET", "/"), ("GET", "/admin")}
COOKIES = {("POST", "/admin/v1/session"), ("DELETE", "/admin/v1/session")}


def served() -> Iterator[Route]:
    """Method and template of every route; HEAD and OPTIONS go along with others."""
    for route in build(Control().parts()).routes:
        for method in route.methods:
            handler, _ = route.route_handler_map[method]
            if method not in {"HEAD", "OPTIONS"} and handler.http_methods != {"OPTIONS"}:
                yield method, route.path
    for method, path in GUARDS:
        yield method, f"{PREFIX}{{model_id:path}}" if path == PREFIX else path


SERVED = sorted(set(served()))
ADMIN = [route for route in SERVED if route[1].startswith("/admin/")]


def pattern(template: str) -> re.Pattern[str]:
    """A template as an expression for whole paths."""
    parts = re.split(r"(\{\w+:\w+\})", template)
    found = (
        ".+" if ":path" in part else "[^/]+" if part[:1] == "{" else re.escape(part)
        for part in parts
    )
    return re.compile("".join(found))


PATTERNS = sorted(
    ((method, template, pattern(template)) for method, template in SERVED),
    key=lambda one: (one[1].count("{"), -len(one[1])),
)


def route_of(method: str, path: str) -> Route | None:
    """The route that a request comes to: the one with the fewest gaps."""
    fitting = (
        (named, template)
        for named, template, text in PATTERNS
        if named == method and text.fullmatch(path)
    )
    return next(fitting, None)


@cache
def called() -> dict[object, Route | None]:
    """Every call function, with the route that it is of."""
    found = {}
    for function in call_functions():
        call = sample(function)
        found[function] = route_of(call.method, call.path)
    return found


@cache
def commanded() -> dict[str, set[Route]]:
    """Every command, with the routes of all that it can send."""
    routes = called()
    return {
        words: {route for one in sends(function) if (route := routes.get(one))}
        for words, function in commands().items()
    }


def test_every_call_is_of_a_route() -> None:
    stale = [f"{one.__module__}.{one.__qualname__}" for one, route in called().items() if not route]

    assert [] == stale


@pytest.mark.parametrize("route", SERVED, ids=" ".join)
def test_every_route_has_a_call(route: Route) -> None:
    assert route in PAGES | COOKIES or route in called().values()


@pytest.mark.parametrize("route", ADMIN, ids=" ".join)
def test_every_admin_route_has_a_command(route: Route) -> None:
    reached = {route for routes in commanded().values() for route in routes}

    assert route in COOKIES or route in reached


# Lines of a story, each with how often it asks the server for something; `-v` tells of each.
LINES = (
    ("provider", "discover", "one"),
    ("provider", "edit", "one", "--disabled"),
    ("provider", "enable", "one"),
    ("model", "list"),
    ("model", "edit", "gpt", "--weight", "3"),
    ("model", "price", "sync"),
    ("apikey", "create", "--name", "k"),
    ("apikey", "list"),
    ("alias", "set", "a", "--variant", "gpt"),
    ("routing", "get"),
    ("simulate", "--mode", "cheap"),
    ("routing", "replay", "--mode", "cheap"),
    ("logs", "list"),
    ("audit", "verify"),
    ("ledger", "verify"),
    ("orchestration", "list"),
    ("workflow", "get", "w"),
    ("log-level", "info"),
    ("token", "list"),
    ("status",),
)


def test_what_is_found_in_the_code_of_a_command_is_what_it_sends(tmp_path: Path) -> None:
    """The routes above are read from code; here is what really goes out."""
    with living(tmp_path) as live:
        live.provider("one", "gpt")
        lines = {line: live.run(*line, "-v").stderr for line in LINES}

    for line, told in lines.items():
        sent = re.findall(r"^(GET|POST|PUT|PATCH|DELETE) http://[^/]+([^ ?]+)", told, re.MULTILINE)
        words = " ".join(line[: next(n for n in (3, 2, 1) if " ".join(line[:n]) in commanded())])

        assert sent, line
        assert {route_of(*one) for one in sent} <= commanded()[words], line
