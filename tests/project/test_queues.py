"""Tests that belong together stay in one process, whatever xdist makes of their names."""

from tests.queues import queue_of


def test_storms_share_a_process_and_others_run_anywhere():
    storms = ["tests/storm/test_storm.py::test_a[1]", "tests/storm/test_storm.py::test_b"]
    assert len({queue_of(nodeid) for nodeid in storms}) == 1
    others = ["tests/domain/test_x.py::test_a", "tests/domain/test_x.py::test_b"]
    assert [queue_of(nodeid) for nodeid in others] == others


def test_one_file_is_driven_by_one_browser():
    same = [f"tests/browser/test_a.py::test_{name}" for name in "abc"]
    assert len({queue_of(nodeid) for nodeid in [*same, "tests/browser/test_b.py::test_a"]}) == 2
