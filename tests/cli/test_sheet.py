"""A list that is written while it comes, in every form."""

import msgspec
import pytest
import typer

from tokenhub_cli.options import Form, Shared
from tokenhub_cli.output import Column, Output, View


class Row(msgspec.Struct):
    id: str
    n: int


VIEW: View[Row] = View(
    kind="row",
    name=lambda it: it.id,
    columns=(
        Column("id", lambda it: it.id),
        Column("n", lambda it: it.n, right=True),
        Column("more", lambda it: it.n + 1, wide=True),
    ),
)
PORTIONS = [[Row("a", 1)], [], [Row("a long one", 22), Row("b", 3)]]


def written(capfdbinary: pytest.CaptureFixture[bytes], **options: object) -> list[str]:
    sheet = Output(Shared(**options)).sheet(VIEW)  # type: ignore[arg-type]  # a test's options
    for rows in PORTIONS:
        sheet.write(rows)
    assert 3 == sheet.written
    return capfdbinary.readouterr().out.decode().splitlines()


def test_a_table_has_one_head_and_columns_that_only_grow(
    capfdbinary: pytest.CaptureFixture[bytes],
) -> None:
    assert ["ID  N", "a   1", "a long one  22", "b            3"] == written(capfdbinary)


@pytest.mark.parametrize(
    ("form", "lines"),
    [
        (Form.WIDE, ["ID  N  MORE", "a   1  2", "a long one  22  23", "b            3  4"]),
        (Form.CSV, ["id,n,more", "a,1,2", "a long one,22,23", "b,3,4"]),
        (Form.JSON, ['{"id":"a","n":1}', '{"id":"a long one","n":22}', '{"id":"b","n":3}']),
        (Form.JSONL, ['{"id":"a","n":1}', '{"id":"a long one","n":22}', '{"id":"b","n":3}']),
        (Form.NAME, ["row/a", "row/a long one", "row/b"]),
        (Form.VALUE, ["a", "a long one", "b"]),
        (Form.NONE, []),
    ],
)
def test_other_forms_are_written_as_they_come(
    capfdbinary: pytest.CaptureFixture[bytes], form: Form, lines: list[str]
) -> None:
    assert lines == [line.rstrip() for line in written(capfdbinary, output=form)]


def test_yaml_is_a_document_for_each_row(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    found = written(capfdbinary, output=Form.YAML)

    assert ["---", "id: a", "n: 1", "---"] == found[:4]


def test_fields_are_chosen_in_every_form(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert ["N", "1", "22", " 3"] == written(capfdbinary, fields="n")
    assert ['{"n":1}', '{"n":22}', '{"n":3}'] == written(capfdbinary, fields="n", output=Form.JSONL)
    with pytest.raises(typer.BadParameter, match="no field 'nn'"):
        written(capfdbinary, fields="nn")
