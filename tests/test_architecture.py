"""The folders' import rule: calibration <- converters <- targets <- toolkit, and TensorFlow only where it is used."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("calibration", "converters", "targets", "toolkit")
# What each folder may import of Litesmith; litesmith.errors is a leaf that all may raise.
ALLOWED = {
    "calibration": ("litesmith.calibration", "litesmith.errors"),
    "converters": ("litesmith.calibration", "litesmith.converters", "litesmith.errors"),
    "targets": ("litesmith.calibration", "litesmith.converters", "litesmith.targets", "litesmith.errors"),
    "toolkit": ("litesmith",),
}
HEAVY = ("tensorflow", "tf_keras", "tensorflow_model_optimization", "transformers", "sklearn")
SOURCES = [path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.py"))]


def imports(tree: ast.AST) -> list[str]:
    names = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative import"
            names.append(node.module or "")
            names += [f"{node.module}.{alias.name}" for alias in node.names if node.module == "litesmith"]
    return names


def module_level(tree: ast.Module) -> list[str]:
    return [name for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom) for name in imports(node)]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_flow_one_way(path: Path):
    folder = path.relative_to(ROOT).parts[0]
    tree = ast.parse(path.read_text(encoding="utf-8"))
    ours = [name for name in imports(tree) if name.split(".")[0] == "litesmith" and name != "litesmith"]
    wrong = [name for name in ours if not name.startswith(ALLOWED[folder])]
    assert not wrong, f"{folder} must not import {wrong}"
    assert not [name for name in imports(tree) if name.split(".")[0] in FOLDERS], "use litesmith.<folder>"
    assert not [name for name in module_level(tree) if name.split(".")[0] in HEAVY], "import TensorFlow late"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_and_functions_stay_small(path: Path):
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 250, "split the file"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            assert node.end_lineno is not None
            assert node.end_lineno - node.lineno <= 60, f"{node.name} is long, docstring included"


def test_targets_never_mention_tensorflow_imports():
    for path in (ROOT / "targets").rglob("*.py"):
        found = [name for name in imports(ast.parse(path.read_text(encoding="utf-8"))) if name.split(".")[0] in HEAVY]
        assert not found, f"{path.name} imports {found}"


def test_the_package_and_the_command_line_start_without_heavy_imports():
    code = (
        "import sys, litesmith, litesmith.cli, litesmith.targets.check;"
        "litesmith.cli._parser();"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_every_export_resolves():
    import litesmith

    for name in litesmith.__all__:
        assert getattr(litesmith, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        litesmith.nonsense  # noqa: B018
