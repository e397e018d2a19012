"""Nothing that comes from outside is run, as Python or as SQL."""

import ast
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("tokenhub", "tokenhub_cli", "tokenhub_tui")
SOURCES = sorted(path for name in PACKAGES for path in (ROOT / name).rglob("*.py"))
RUNS = {"eval", "exec", "compile", "__import__"}
LOADS = {"pickle", "marshal", "shelve", "dill", "jinja2", "mako"}
# Of yaml, what makes nothing but values: its other loaders make objects, and run what they name.
SAFE_YAML = {
    "safe_load", "safe_dump", "compose", "SafeLoader", "MappingNode", "SequenceNode",
    "MarkedYAMLError", "YAMLError",
}  # fmt: skip
EXECUTES = {"execute", "executemany", "executescript"}


def found(sources, words, wrong):
    """By its name, what each file says that is wrong. Where no such word is, it is not parsed."""
    told = {}
    for path in sources:
        text = path.read_text(encoding="utf-8")
        if any(word in text for word in words):
            told[str(path.relative_to(ROOT))] = [*wrong([*ast.walk(ast.parse(text))])]
    assert told
    return {name: bad for name, bad in told.items() if bad}


def calls(nodes):
    return (node for node in nodes if isinstance(node, ast.Call))


def imported(nodes):
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


def test_no_text_is_run_or_loaded_as_code():
    def wrong(nodes):
        yield from LOADS & set(imported(nodes))
        for call in calls(nodes):
            if isinstance(call.func, ast.Name) and call.func.id in RUNS:
                yield ast.unparse(call)

    assert {} == found(SOURCES, RUNS | LOADS, wrong)


def test_yaml_is_read_as_values_alone():
    def wrong(nodes):
        for node in nodes:
            if isinstance(node, ast.ImportFrom) and node.module == "yaml":
                yield ast.unparse(node)
            elif isinstance(node, ast.Attribute) and _of_yaml(node) and node.attr not in SAFE_YAML:
                yield node.attr
        for call in calls(nodes):
            text = ast.unparse(call)
            if ast.unparse(call.func) == "yaml.compose" and "Loader=yaml.SafeLoader" not in text:
                yield text

    assert {} == found(SOURCES, {"yaml"}, wrong)


def _of_yaml(node):
    return isinstance(node.value, ast.Name) and node.value.id == "yaml"


def test_no_value_is_put_into_the_text_of_a_statement():
    """An f-string may name tables and columns: ruff's S608 asks for the reason of each."""

    def wrong(nodes):
        for call in calls(nodes):
            if isinstance(call.func, ast.Attribute) and call.func.attr in EXECUTES and call.args:
                yield from (ast.unparse(call) for node in ast.walk(call.args[0]) if _put_in(node))

    assert {} == found((ROOT / "tokenhub/adapters").rglob("*.py"), EXECUTES, wrong)


def _put_in(node):
    if isinstance(node, ast.BinOp):
        return isinstance(node.op, ast.Add | ast.Mod)
    return isinstance(node, ast.Attribute) and node.attr in {"format", "format_map"}
