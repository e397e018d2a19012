"""`tokenhub settings`: what it prints."""

from tokenhub.commands import settings


def test_a_password_in_an_address_is_not_printed(monkeypatch, capsys, tmp_path):
    monkeypatch.setenv("TOKENHUB_DB_DSN", str(tmp_path / "tokenhub.sqlite"))
    monkeypatch.setenv("TOKENHUB_OTEL_ENDPOINT", "http://u:hunter2@h:1")

    code = settings.run()

    shown = capsys.readouterr().out
    assert 0 == code, shown
    assert "TOKENHUB_OTEL_ENDPOINT=http://u:[hidden]@h:1  # from the environment\n" in shown
