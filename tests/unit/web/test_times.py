from tokenhub.web.times import utc


def test_times_are_rfc_3339_in_utc_with_milliseconds():
    assert "2025-06-15T15:06:40.250Z" == utc(1_750_000_000.25)
    assert "1970-01-01T00:00:00.000Z" == utc(0)
