"""The reference page and the manual, made from the tree of commands."""

from collections.abc import Iterator, Sequence

from tokenhub import __version__
from tokenhub_cli.topics import topics
from tokenhub_cli.tree import Command

_SHARED = "Those of tokenhubctl itself stand before a command or after it: see tokenhubctl(1)."


def markdown(root: Command, generated: str) -> str:
    """All commands and topics on one page."""
    return "\n".join(_page(root, generated)) + "\n"


def markdown_pages(root: Command) -> dict[str, str]:
    """The same by the names of its files: one that leads to the others, one of each noun."""
    found = {"tokenhubctl.md": _index(root)}
    for noun in root.below:
        found[f"{_file(noun)}.md"] = [f"# {noun.line}", *_noun(noun, "##")]
    return {name: "\n".join(lines) + "\n" for name, lines in found.items()}


def pages(root: Command) -> dict[str, str]:
    """Manual pages by the names of their files: one of the root, one of each noun."""
    nouns = [(_file(noun), noun) for noun in root.below]
    others = [f"{name}(1)" for name, _ in nouns]
    found = {"tokenhubctl.1": _man("tokenhubctl", root, others, whole=True)}
    for name, noun in nouns:
        found[f"{name}.1"] = _man(name, noun, ["tokenhubctl(1)"])
    return {name: "\n".join(lines) + "\n" for name, lines in found.items()}


def _file(noun: Command) -> str:
    return noun.line.replace(" ", "-")


def _page(root: Command, generated: str) -> Iterator[str]:
    yield "# Commands of tokenhubctl"
    yield ""
    yield f"<!-- {generated} -->"
    yield ""
    yield "[How they are used](../user/tokenhubctl.md). `tokenhubctl man DIR` makes manual pages of"
    yield "the same."
    yield ""
    yield from _options(root)
    for noun in root.below:
        yield ""
        yield f"## {noun.line.partition(' ')[2]}"
        yield from _noun(noun, "###")
    yield from _topics()


def _index(root: Command) -> list[str]:
    """The page that leads to the others."""
    nouns = [f"- [{it.line}]({_file(it)}.md): {it.summary}" for it in root.below]
    head = ["# tokenhubctl", "", root.summary, ""]
    return [*head, *_options(root), "", "## Commands", "", *nouns, *_topics()]


def _options(root: Command) -> Iterator[str]:
    yield "## Options of every command"
    yield ""
    yield "They may stand before the command and after it; the last one given holds."
    yield ""
    yield from _table("option", root.options)


def _noun(noun: Command, mark: str) -> Iterator[str]:
    """What a noun does, and below headings what its verbs do."""
    yield from _command(noun)
    for one in list(noun.walk())[1:]:
        yield ""
        yield f"{mark} {one.line.partition(' ')[2]}"
        yield from _command(one)


def _topics() -> Iterator[str]:
    for topic in topics():
        yield ""
        yield f"## {topic.summary.rstrip('.')}"
        yield ""
        yield f"`tokenhubctl help {topic.name}`"
        yield ""
        yield "```text"
        yield topic.text
        yield "```"


def _command(one: Command) -> Iterator[str]:
    yield ""
    yield one.summary
    if one.aliases:
        yield ""
        yield f"Also {', '.join(f'`{name}`' for name in one.aliases)}."
    for paragraph in one.text:
        yield ""
        yield paragraph
    yield ""
    yield "```sh"
    yield one.usage
    yield from one.examples
    yield "```"
    if rows := [*one.takes, *_own(one)]:
        yield ""
        yield from _table("argument or option", rows)


def _own(one: Command) -> list[tuple[str, str]]:
    return [(left, right) for left, right in one.options if not left.startswith(("-h,", "--help"))]


def _table(head: str, rows: Sequence[tuple[str, str]]) -> Iterator[str]:
    yield f"| {head} | |"
    yield "|---|---|"
    for left, right in rows:
        yield f"| `{_cell(left)}` | {_cell(right)} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _man(name: str, one: Command, others: Sequence[str], *, whole: bool = False) -> list[str]:
    """A page in the macros of man(7)."""
    lines = [
        f'.TH "{name.upper()}" 1 "" "TokenHub {__version__}" "TokenHub"',
        ".SH NAME",
        f"{_roff(name)} \\- {_roff(one.summary.rstrip('.'))}",
    ]
    if whole:
        lines += _section("SYNOPSIS", [one.usage]) + _definitions("OPTIONS", one.options)
        rows = [(noun.line.partition(" ")[2], noun.summary) for noun in one.below]
        lines += _definitions("COMMANDS", rows)
        for topic in topics():
            title = topic.name.upper().replace("-", " ")
            lines += [*_section(title, []), ".nf", *map(_line, topic.text.splitlines()), ".fi"]
    else:
        for command in one.walk():
            lines += _of(command)
        lines += _section("OPTIONS OF EVERY COMMAND", [_SHARED])
    return [*lines, *_section("SEE ALSO", [", ".join(others)])]


def _of(one: Command) -> Iterator[str]:
    yield f'.SH "{one.line.partition(" ")[2].upper()}"'
    yield f".B {_roff(one.usage)}"
    for paragraph in (one.summary, *one.text):
        yield ".PP"
        yield _line(paragraph)
    for left, right in (*one.takes, *_own(one)):
        yield from _definition(left, right)
    for example in one.examples:
        yield from (".PP", ".nf", f".RS 4\n{_line(example)}\n.RE", ".fi")


def _section(title: str, lines: Sequence[str]) -> list[str]:
    return [f'.SH "{title}"', *map(_line, lines)]


def _definitions(title: str, rows: Sequence[tuple[str, str]]) -> list[str]:
    return [*_section(title, []), *(line for row in rows for line in _definition(*row))]


def _definition(left: str, right: str) -> Iterator[str]:
    yield ".TP"
    yield f".B {_roff(left)}"
    yield _line(right)


def _line(text: str) -> str:
    """A line that is no macro."""
    text = _roff(text)
    return f"\\&{text}" if text.startswith((".", "'")) else text


def _roff(text: str) -> str:
    """Text with nothing in it that roff would read."""
    return text.replace("\\", "\\e").replace("-", "\\-").replace('"', "\\(dq")
