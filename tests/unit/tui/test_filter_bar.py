from tokenhub.filters import FIELDS, Field
from tokenhub_tui.widgets.filter_bar import example


def test_line_shows_fields_of_its_own_screen() -> None:
    of_log = example(FIELDS)
    of_two = example({"name": Field(("name",)), "budget": Field(("usd",), "money")})

    assert "model:… provider:… key:… mode:… text" == of_log
    assert "name:… budget>… text" == of_two
