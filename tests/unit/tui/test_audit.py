"""What a filter of the trail means, and entries as rows."""

import msgspec

from tokenhub.wire.audit import AuditEntry, AuditPage
from tokenhub_tui.state.audit import diff_rows, differences, facts, row, summary, wanted
from tokenhub_tui.state.cells import natural

NOW = 1_700_000_000.0


def entry(before: object = None, after: object = None, **fields: object) -> AuditEntry:
    given: dict[str, object] = {
        "id": 7, "timestamp": "2026-01-31T10:00:00.000Z", "action": "model.patch",
        "resource": "one/gpt", "actor": "admin", "address": "127.0.0.1", "outcome": "ok",
        "times": 1, "request_id": "req_1", "detail": "", "hash": "00",
    }  # fmt: skip
    sides = {"before": before, "after": after}
    raws = {name: msgspec.Raw(msgspec.json.encode(value)) for name, value in sides.items()}
    return AuditEntry(**(given | raws | fields))


def page(*entries: AuditEntry) -> AuditPage:
    return AuditPage(logs=list(entries), total=len(entries), limit=100, offset=0, next=None)


def test_server_is_asked_for_what_it_knows() -> None:
    meant = wanted("action:model.* actor=admin resource=one/gpt since:1h", NOW)

    assert {
        "action": "model.*",
        "actor": "admin",
        "resource": "one/gpt",
        "since": "2023-11-14T21:13:20.000Z",
    } == meant.asked
    assert () == meant.rest.terms


def test_rest_of_a_filter_is_held_against_the_rows() -> None:
    ours, theirs = entry(actor="ci"), entry(actor="admin", action="vault.unlock")

    assert [ours] == wanted("actor:c", NOW).of(page(ours, theirs))
    assert [theirs] == wanted("!action:model.*", NOW).of(page(ours, theirs))
    assert [theirs] == wanted("unlock", NOW).of(page(ours, theirs))
    assert [ours, theirs] == wanted("action:model.*,vault.*", NOW).of(page(ours, theirs))


def test_change_is_told_by_its_fields() -> None:
    one = entry(
        {"weight": 8, "tags": ["a"], "version": 3}, {"weight": 9, "tags": ["a"], "version": 4}
    )

    assert "weight 8 → 9" == summary(one)
    assert [("~", "weight", "8", "9"), ("~", "version", "3", "4")] == [
        tuple(map(natural, line.cells)) for line in diff_rows(one)
    ]


def test_fields_within_fields_have_paths_and_empty_ones_are_no_difference() -> None:
    one = entry({"a": {"b": 1}, "gone": "x"}, {"a": {"b": 2}, "empty": None, "list": [{"c": 1}]})

    assert [
        ("a.b", "1", "2"), ("gone", "x", None), ("list", None, '[{"c":1}]'),
    ] == [(it.field, it.before, it.after) for it in differences(one)]  # fmt: skip


def test_what_comes_and_goes_is_said_in_a_word() -> None:
    assert "created" == summary(entry(None, {"id": "one"}))
    assert "deleted" == summary(entry({"id": "one"}, None))
    assert "" == summary(entry())


def test_refusal_is_marked_and_named() -> None:
    cells = [
        natural(cell) for cell in row(entry(outcome="refused", why="bad_token", times=3), 0.0).cells
    ]

    assert "✗" == cells[1]
    assert "bad token ×3" == cells[5]  # noqa: RUF001 - three times
    assert ("times", "3") in list(facts(entry(times=3)))
