"""A short share of `make fuzz`."""

import pytest

from tests.fuzz import fuzz


@pytest.mark.slow
@pytest.mark.race
def test_made_up_requests_get_only_answers_that_are_declared(tmp_path, monkeypatch):
    monkeypatch.setattr(fuzz, "OUT", tmp_path / "fuzz.json")
    rows = fuzz.run(2)
    assert {row["asker"] for row in rows} == {"anonymous", "applicant", "officer", "leaver"}
    assert all(row["cases"] > 300 for row in rows if row["asker"] != "leaver")
    assert {row["asker"]: row["failures"] for row in rows if row["failures"]} == {}
