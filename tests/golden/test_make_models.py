import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

GOLDEN = Path(__file__).parent
MODELS = sorted(GOLDEN.glob("*.tflite"))


@pytest.mark.slow
def test_making_a_model_anew_gives_the_same_bytes(tmp_path):
    names = ("int8_residual", "two_inputs_int8")
    only = [word for name in names for word in ("--only", name)]
    subprocess.run(
        [sys.executable, GOLDEN / "make_models.py", *only, "--out", tmp_path], check=True, capture_output=True
    )
    for name in names:
        assert (tmp_path / f"{name}.tflite").read_bytes() == (GOLDEN / f"{name}.tflite").read_bytes()


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.stem)
def test_every_model_is_small_and_runs_and_its_output_follows_its_input(path):
    assert path.stat().st_size < 20_000
    interpreter = Interpreter(str(path))
    interpreter.allocate_tensors()
    results = []
    for seed in (0, 1):
        random = np.random.default_rng(seed)
        for detail in interpreter.get_input_details():
            values = random.uniform(0, 1 if detail["dtype"] is np.float32 else 100, detail["shape"])
            interpreter.set_tensor(detail["index"], values.astype(detail["dtype"]))
        interpreter.invoke()
        results.append(interpreter.get_tensor(interpreter.get_output_details()[0]["index"]))
    assert np.any(results[0] != results[1])
