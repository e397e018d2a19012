"""Nothing that comes from outside is run, as Python or as SQL."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted([*(ROOT / "tokenhub").rglob("*.py"), *(ROOT / "tokenhub_cli").rglob("*.py")])
RUNS = {"eval", "exec", "compile", "__import__"}
LOADS = {"pickle", "marshal", "shelve", "dill", "jinja2", "mako"}
# What of PyYAML makes objects of any class; its `safe_` functions make none.
YAML_LOADS = {
    *("load", "load_all", "full_load", "full_load_all", "unsafe_load", "unsafe_load_all"),
    *("Loader", "FullLoader", "UnsafeLoader", "CLoader", "CFullLoader", "CUnsafeLoader"),
}
EXECUTES = {"execute", "executemany", "executescript"}


def named(path):
    return str(path.relative_to(ROOT))


def calls(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield node


def imported(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


def of_yaml(tree):
    """The names of PyYAML that a file uses, as `yaml.NAME` or imported from it."""
    found = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "yaml"
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("yaml"):
            found |= {alias.name for alias in node.names}
    return found


@pytest.mark.parametrize("path", SOURCES, ids=named)
def test_no_text_is_run_or_loaded_as_code(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))

    run = [c.func.id for c in calls(tree) if isinstance(c.func, ast.Name) and c.func.id in RUNS]

    assert [] == run
    assert set() == set(imported(tree)) & LOADS
    assert set() == of_yaml(tree) & YAML_LOADS


@pytest.mark.parametrize("path", sorted((ROOT / "tokenhub/adapters").rglob("*.py")), ids=named)
def test_no_value_is_put_into_the_text_of_a_statement(path):
    """An f-string may name tables and columns: ruff's S608 asks for the reason of each."""
    text = path.read_text(encoding="utf-8")

    made = [
        ast.unparse(call)
        for call in calls(ast.parse(text))
        if isinstance(call.func, ast.Attribute) and call.func.attr in EXECUTES and call.args
        for node in ast.walk(call.args[0])
        if (isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Mod))
        or (isinstance(node, ast.Attribute) and node.attr in {"format", "format_map"})
    ]

    assert [] == made
