"""One small run of the whole chain, made once and shared."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

# The whole chain on the digits with too few epochs to be good, but every stage real.
RECIPE = """
name = "small"
seed = 3
[data]
source = "digits"
[teacher]
model = "litesmith.zoo:digits_teacher"
train = { epochs = 2, learning_rate = 2e-3 }
[student]
model = "litesmith.zoo:digits_student"
train = { epochs = 3, learning_rate = 4e-3 }
[distill]
[prune]
sparsity = 0.6
train = { epochs = 2, learning_rate = 2e-3 }
[quantize]
[quantize.qat]
train = { epochs = 2, learning_rate = 5e-4 }
[targets]
check = ["arm_cpu", "edge_tpu", "nnapi"]
[budget]
max_bytes = 20_000
min_sparsity = 0.5
"""


@dataclass(frozen=True)
class Command:
    """What a `litesmith` command did."""

    code: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)


def litesmith(*arguments, cwd=None, prefix=()) -> Command:
    """Run the real command in a process of its own."""
    line = [*prefix, sys.executable, "-m", "litesmith.cli", *map(str, arguments)]
    done = subprocess.run(line, capture_output=True, text=True, cwd=cwd, env={**os.environ, "COLUMNS": "200"})
    return Command(done.returncode, done.stdout, done.stderr)


@dataclass(frozen=True)
class SmallRun:
    """A finished run and what its command said."""

    recipe: Path
    out: Path
    command: Command


@pytest.fixture(scope="session")
def small_run(tmp_path_factory) -> SmallRun:
    """The small recipe, run once by the command line."""
    folder = tmp_path_factory.mktemp("small")
    recipe = folder / "small.toml"
    recipe.write_text(RECIPE, encoding="utf-8")
    out = folder / "out"
    command = litesmith("run", recipe, "--out", out, "--json")
    assert command.code == 0, command.err
    return SmallRun(recipe, out, command)


@pytest.fixture(scope="session")
def run_command():
    """The `litesmith` command as a function."""
    return litesmith


@pytest.fixture(scope="session")
def quantize_details():
    """Makes what the quantize stage tells of a file that was made in one try."""
    choice = {"effort": "fast", "method": "minmax", "methods": {}, "precision": {}}

    def details(**others):
        return {
            "route": "mlir",
            "tries": [{"remedy": "effort fast", "taken": True, "agreement": 1.0, "choice": choice}],
            "judged_on": "the 40 samples of the validation split",
            "calibration_samples": 30,
            "calibration_digest": "0" * 64,
            **others,
        }

    return details
