"""The pages say what the code does, and leave nothing out."""

import ast
import re
from pathlib import Path

import pytest

from tests.support.control import Control
from tokenhub.app import front
from tokenhub.commands.reference import pages
from tokenhub.settings import ENV_FILE, SETTINGS
from tokenhub.web import auth
from tokenhub.web.app import build
from tokenhub.web.v1.models import PREFIX

ROOT = Path(__file__).parents[2]
# Where every module has a docstring; in core every public function too, unless its
# name says it all, which is what a body of two lines is taken for.
DOCUMENTED = ("core", "dialects", "ports", "wire", "client")
SKIPPED = {"node_modules", ".git", ".venv", "run", "__pycache__"}
SUFFIXES = {".py", ".md", ".toml", ".txt", ".json", ".sh", ".yml", ".example", ""}
# Hosts that serve packages: which one is used is the machine's business. Written in parts, so
# that this file does not name them either.
INDEX_HOSTS = tuple(
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("anaconda", "org"),
        ("registry", "npmjs", "org"),
        ("proxy", "golang", "org"),
    )
)


def modules():
    folders = [ROOT / "tokenhub" / package for package in DOCUMENTED]
    return [path for folder in folders for path in sorted(folder.rglob("*.py"))]


def named(path):
    return str(path.relative_to(ROOT))


def texts():
    for path in ROOT.rglob("*"):
        parts = path.relative_to(ROOT).parts
        if any(part in SKIPPED or part.endswith("_cache") for part in parts[:-1]):
            continue
        if path.is_file() and path.suffix in SUFFIXES:
            yield path


@pytest.mark.parametrize("name", pages())
def test_a_generated_page_is_up_to_date(name):
    assert pages()[name] == (ROOT / name).read_text(encoding="utf-8"), "run `just reference`"


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_a_setting_is_documented_and_says_if_it_does_nothing(setting):
    page = (ROOT / "docs/reference/settings.md").read_text(encoding="utf-8")
    (row,) = [line for line in page.splitlines() if f"`{setting.name}`" in line]

    assert setting.help in row
    assert setting.effective != ("Has no effect yet." in row)


def test_pages_name_no_setting_that_does_not_exist():
    known = {setting.name for setting in SETTINGS} | {"TOKENHUB_URL", "TOKENHUB_API_KEY"}
    known |= {"TOKENHUB_TIMEOUT", "TOKENHUB_OUTPUT", "TOKENHUB_CONTEXT", ENV_FILE}
    pages_here = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    written = {
        name
        for page in pages_here
        for name in re.findall(r"TOKENHUB_[A-Z_]*[A-Z]", page.read_text(encoding="utf-8"))
    }

    assert set() == written - known


def routes():
    """Every method and path that the server knows, and who may call it."""
    parts = Control().parts()
    for route in build(parts).routes:
        path = re.sub(r"\{[^}]+\}", "{id}", route.path)
        for method in route.methods - {"OPTIONS"}:
            handler, _ = route.route_handler_map[method]
            opened = auth.who(handler.opt) == auth.ANYBODY
            # What comes after an id with slashes is read by the handler.
            whole = f"{path}{handler.opt.get('ends', '')}"
            yield f"{method} {whole}", "anybody" if opened else "admin token"
    for method, path in front(parts)._routes:
        who = "API key" if method == "POST" or path == "/v1/usage" else "anybody"
        yield f"{method} {path}{'{id}' if path == PREFIX else ''}", who


def test_every_route_is_documented_with_who_may_call_it():
    page = (ROOT / "docs/admin/api.md").read_text(encoding="utf-8")

    told = re.findall(r"^\| `([A-Z]+ /[^`]*)` \| ([^|]+) \| [^|]+ \|$", page, re.MULTILINE)

    assert sorted(routes()) == sorted(told)


@pytest.mark.parametrize("path", modules(), ids=named)
def test_a_module_of_the_public_layers_has_a_docstring(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))

    docstring = ast.get_docstring(tree)

    assert docstring, f"{named(path)} does not say what it is"
    assert docstring.splitlines()[0].endswith((".", ":")), "the first line ends with a stop"


@pytest.mark.parametrize("path", sorted((ROOT / "tokenhub/core").glob("*.py")), ids=named)
def test_a_public_function_of_core_says_what_it_gives(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    public = [
        node
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")
    ]

    silent = [
        node.name
        for node in public
        if not ast.get_docstring(node) and len(ast.unparse(node).splitlines()) > 3
    ]

    assert [] == silent


def test_every_link_in_the_pages_leads_somewhere():
    links = [
        (page, target)
        for page in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
        for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text(encoding="utf-8"))
    ]

    broken = [
        f"{named(page)}: {target}"
        for page, target in links
        if "://" not in target and not (page.parent / target).exists()
    ]

    assert [] == broken


def test_the_second_line_of_the_readme_is_what_continuous_integration_runs():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    run = (ROOT / ".ci/run").read_text(encoding="utf-8")

    lines = re.findall(r"^python3 -m venv .*$", readme, re.MULTILINE)

    assert 2 == len(lines)
    assert lines[1] == run.splitlines()[-1]


def test_no_file_names_a_package_index():
    found = [
        named(path)
        for path in texts()
        if any(host in path.read_text(encoding="utf-8", errors="ignore") for host in INDEX_HOSTS)
    ]

    assert [] == found


def test_constraints_are_versions_and_nothing_else():
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").split()

    assert [] == [line for line in lines if not re.fullmatch(r"[A-Za-z0-9_.-]+==[0-9][\w.]*", line)]
