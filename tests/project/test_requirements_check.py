"""What `make check` finds wrong with the hashed requirements."""

from pathlib import Path

from packaging.version import Version

from tools.check_requirements import apart, main, pins, unmet


def test_requirements_of_this_tree_fit() -> None:
    assert main() == 0


def test_dependency_that_nobody_pinned_is_found() -> None:
    assert list(unmet(["celery>=5"], {}, "requirements.txt")) == [
        "celery is in pyproject.toml but not in requirements.txt"
    ]


def test_pin_outside_of_the_allowed_versions_is_found() -> None:
    (problem,) = unmet(["django>=5.2,<5.3"], {"django": Version("6.0")}, "requirements.txt")
    assert "requirements.txt has django 6.0" in problem


def test_name_is_compared_as_the_index_does(tmp_path: Path) -> None:
    file = tmp_path / "requirements.txt"
    file.write_text("Django_Environ==1.0 \\\n    --hash=sha256:00\n")
    assert list(unmet(["django-environ"], pins(file), "requirements.txt")) == []


def test_pin_for_another_python_is_left_out(tmp_path: Path) -> None:
    file = tmp_path / "requirements.txt"
    file.write_text("old==1.0 ; python_full_version < '3.0' \\\n    --hash=sha256:00\n")
    assert pins(file) == {}


def test_tests_on_another_version_than_the_site_are_found() -> None:
    (problem,) = apart({"redis": Version("8.1")}, {"redis": Version("8.2")})
    assert "redis is 8.1" in problem
