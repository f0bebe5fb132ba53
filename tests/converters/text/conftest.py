"""Checkpoints of random weights in every family's own naming."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.golden.make_text_checkpoints import Case, write_checkpoint


@pytest.fixture
def checkpoint(tmp_path: Path) -> Callable[..., Path]:
    """Writes the checkpoint of a case, under a name of its own."""

    def write(family: str, kind: str = "embedding", **settings: object) -> Path:
        folder = tmp_path / f"checkpoint{len(list(tmp_path.iterdir()))}"
        return write_checkpoint(folder, Case(family, kind, settings))

    return write
