"""Tests that belong together stay in one process, whatever xdist makes of their names."""

from tests.queues import queue_of


def test_storms_share_a_process_and_others_run_anywhere():
    storms = ["tests/storm/test_storm.py::test_a[1]", "tests/storm/test_storm.py::test_b"]
    assert len({queue_of(nodeid, browsers=1) for nodeid in storms}) == 1
    others = ["tests/domain/test_x.py::test_a", "tests/domain/test_x.py::test_b"]
    assert [queue_of(nodeid, browsers=1) for nodeid in others] == others


def test_browsers_of_two_processes_drive_one_after_the_other():
    browsers = [f"tests/browser/test_{name}.py::test_a" for name in "abcdefgh"]
    assert {queue_of(nodeid, browsers=1) for nodeid in browsers} == {"browser 0"}
    assert len({queue_of(nodeid, browsers=2) for nodeid in browsers}) == 2


def test_one_file_is_driven_by_one_browser():
    same = [f"tests/browser/test_a.py::test_{name}" for name in "abc"]
    assert len({queue_of(nodeid, browsers=4) for nodeid in same}) == 1
