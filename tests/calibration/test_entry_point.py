"""Entry points: real modules on disk."""

import sys

import pytest

from litesmith.calibration.entry_point import call_entry_point, is_entry_point, load_entry_point
from litesmith.errors import DataError


@pytest.fixture
def module(tmp_path, request, monkeypatch):
    """Write a module under a name of its own, because imports are cached."""
    monkeypatch.setattr(sys, "path", list(sys.path))

    def write(text):
        name = f"entry_{abs(hash(request.node.nodeid))}"
        (tmp_path / f"{name}.py").write_text(text)
        return name

    return write


def test_installed_function():
    assert load_entry_point("os.path:join")("a", "b") in {"a/b", "a\\b"}


def test_function_beside_the_recipe(module, tmp_path):
    name = module("def make():\n    return 42\n")
    assert call_entry_point(f"{name}:make", base=tmp_path) == 42


@pytest.mark.parametrize(
    "text", ["os", "os:", ":join", "os:path.join", "os:join()", "../os:join", "a b:c", "C:\\x", "1a:b"]
)
def test_other_spellings_are_refused(text):
    assert not is_entry_point(text)
    with pytest.raises(DataError, match=r"package\.module:function"):
        load_entry_point(text)


def test_missing_module_names_the_module():
    with pytest.raises(DataError, match="'no_such_module_at_all' cannot be imported"):
        load_entry_point("no_such_module_at_all:make")


def test_missing_function_names_the_function():
    with pytest.raises(DataError, match="has no function 'jion'"):
        load_entry_point("os.path:jion")


def test_what_is_not_callable_is_no_function():
    with pytest.raises(DataError, match="has no function 'sep'"):
        load_entry_point("os.path:sep")


@pytest.mark.parametrize("body", ["1 / 0", "import not_there_either", "raise SystemExit(0)", "def ("])
def test_a_module_that_fails_to_import(module, tmp_path, body):
    name = module(body)
    with pytest.raises(DataError, match=f"{name!r} cannot be imported") as caught:
        load_entry_point(f"{name}:make", base=tmp_path)
    assert caught.value.__cause__ is not None


def test_a_function_that_fails_keeps_its_cause(module, tmp_path):
    name = module("def make():\n    raise KeyError('lost')\n")
    with pytest.raises(DataError, match="KeyError: 'lost'") as caught:
        call_entry_point(f"{name}:make", base=tmp_path)
    assert isinstance(caught.value.__cause__, KeyError)
