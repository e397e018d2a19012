"""The example of docs/admin/apply.md is run."""

import re
from pathlib import Path

import yaml

from tests.cli.live import Live

PAGE = Path(__file__).parents[2] / "docs/admin/apply.md"
KEY = "sk-0123456789abcdef"


def sorted_by_name(document: dict[str, object]) -> dict[str, object]:
    """The document with the entries of each section in one order."""
    return {
        section: sorted(entries, key=str) if isinstance(entries, list) else entries
        for section, entries in document.items()
    }


def test_the_example_is_applied_told_apart_and_exported(live: Live, tmp_path: Path) -> None:
    page = PAGE.read_text(encoding="utf-8")
    (example,) = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    file = tmp_path / "tokenhub.yaml"
    file.write_text(example, encoding="utf-8")

    def run(*args: str) -> tuple[int, str]:
        result = live.run(*args, OPENAI_API_KEY=KEY)
        return result.exit_code, result.stdout

    before, _ = run("diff", "-f", str(file))
    first, told = run("apply", "-f", str(file))
    second = run("apply", "-f", str(file))
    _, exported = run("export", "--refs", "env")
    _, edited = run("model", "edit", "gpt-4o-mini", "--weight", "7")
    after, difference = run("diff", "-f", str(file))

    assert (8, 0, 8) == (before, first, after)
    assert ["key ci: tokenhub_", "key app: tokenhub_"] == re.findall(
        r"^key .*: tokenhub_", told, re.MULTILINE
    )
    assert (0, "nothing to change; 9 as they should be\n") == second
    assert sorted_by_name(yaml.safe_load(example)) == sorted_by_name(yaml.safe_load(exported))
    assert edited + difference in re.sub(r"^\$ .*\n", "", page, flags=re.MULTILINE)


def test_a_key_that_would_be_lost_is_told_as_the_page_says(live: Live) -> None:
    moved = "providers:\n- id: gpu\n  type: vllm\n  base_url: http://127.0.0.1:9000\n"
    there = live.hub.provider("gpu", "http://127.0.0.1:8000", type="vllm", api_key=KEY)
    live.do(there)

    told = live.run("diff", "-f", "-", stdin=moved)

    assert 8 == told.exit_code
    assert told.stdout + told.stderr in PAGE.read_text(encoding="utf-8")
