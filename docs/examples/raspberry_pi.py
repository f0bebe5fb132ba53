"""Runs a bundle of Litesmith with numpy and a TFLite runtime alone, as on a Raspberry Pi.

`python raspberry_pi.py BUNDLE [SAMPLE.npy]` checks the files and the golden vectors, then names the sample's class.
"""

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

try:
    from tflite_runtime.interpreter import Interpreter
except ImportError:
    from ai_edge_litert.interpreter import Interpreter

# What a contract may say if only `scale` and `offset` are to be applied to a sample that has its shape already.
PLAIN: dict[str, tuple[Any, ...]] = {"version": (2,), "kind": ("image", "tensor"), "crop": (1,), "layout": ("nhwc",)}


def read_bundle(folder: Path) -> dict[str, bytes]:
    """The files of the manifest; ends the program where one is not what the manifest says."""
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    if (manifest["format"], manifest["version"]) != ("litesmith-bundle", 1):
        sys.exit(f"{folder}: is no bundle of version 1; write it with the Litesmith that this program came with")
    files = {name: (folder / name).read_bytes() for name in manifest["files"]}
    for name, content in files.items():
        found, expected = hashlib.sha256(content).hexdigest(), manifest["files"][name]["sha256"]
        if found != expected:
            sys.exit(f"{folder / name}: was changed: sha256 is {found}, the manifest says {expected}; copy it again")
    return files


def preprocess(raw: np.ndarray, contract: dict[str, Any]) -> np.ndarray:
    """Scale and offset, in float32; ends the program where the contract asks for more, see docs/preprocess.md."""
    undone = [f"{key} {contract.get(key)!r}" for key, values in PLAIN.items() if contract.get(key) not in values]
    if undone:
        sys.exit(f"preprocess.json: this program does not do {', '.join(undone)}; write that step first")
    if list(raw.shape) != contract["shape"]:
        sys.exit(f"sample: has shape {list(raw.shape)}, not {contract['shape']}; this program does not resize")
    most = contract["block"] ** 2 if contract["block"] > 1 else 255
    limited = contract["kind"] == "image" and (contract["block"] > 1 or raw.dtype.kind in "iu")
    if not np.isfinite(raw).all() or (limited and not (raw.min() >= 0 and raw.max() <= most)):
        sys.exit(f"sample: holds {raw.min()} to {raw.max()}, which the contract does not take")
    scaled = raw.astype(np.float32) * np.asarray(contract["scale"], np.float32)
    return scaled + np.asarray(contract["offset"], np.float32)


def quantize(x: np.ndarray, tensor: dict[str, Any]) -> np.ndarray:
    """`clamp(round(x / scale) + zero_point)`, ties away from zero; a float input is left as it is."""
    (scale, zero_point), kind = tensor["quantization"], np.dtype(tensor["dtype"])
    if kind.kind == "f":
        return x.astype(kind)
    steps = np.clip(x.astype(np.float32) / np.float32(scale), -(2**20), 2**20)
    whole = np.trunc(steps)
    rounded = whole + np.copysign(np.abs(steps - whole) >= 0.5, steps)
    return np.clip(rounded + zero_point, np.iinfo(kind).min, np.iinfo(kind).max).astype(kind)


def run(model: Interpreter, x: np.ndarray) -> np.ndarray:
    """A preprocessed sample to what the model gives, in the type of its output."""
    (into,), (out,) = model.get_input_details(), model.get_output_details()
    model.set_tensor(into["index"], quantize(x.reshape(into["shape"]), into))
    model.invoke()
    return model.get_tensor(out["index"])[0]


def self_test(model: Interpreter, golden: dict[str, Any]) -> str:
    """Runs the golden vectors; ends the program where this runtime computes something else."""
    tolerance, quantized = golden["tolerance"], golden["output"]["scale"] is not None
    farthest = 0.0
    for vector in golden["vectors"]:
        raw = run(model, np.array(vector["input"], np.float32))
        apart = np.abs(raw.astype(np.float64) - vector["output_raw"]).max() / (1 if quantized else tolerance["step"])
        if not apart <= tolerance["steps"] + 0.01 or raw.argmax() != vector["predicted"]["index"]:
            sys.exit(f"self-test: sample {vector['sample']} gives {raw.tolist()}, not {vector['output_raw']}")
        farthest = max(farthest, apart)
    return f"self-test: {len(golden['vectors'])} golden vectors are right, at most {farthest:.2f} steps apart\n"


def main(folder: Path, sample: Path | None) -> None:
    """Tests the model of a bundle, then classifies the sample, if there is one."""
    files = read_bundle(folder)
    model = Interpreter(model_content=files["model.tflite"])
    model.allocate_tensors()
    sys.stdout.write(self_test(model, json.loads(files["golden/vectors.json"])))
    if sample is not None:
        raw = run(model, preprocess(np.load(sample), json.loads(files["preprocess.json"])))
        scale, zero_point = model.get_output_details()[0]["quantization"]
        logits = scale * (raw.astype(np.float64) - zero_point) if scale else raw
        label = files["labels.txt"].decode().splitlines()[raw.argmax()]
        sys.stdout.write(f"{label} (logit {logits.max():.2f})\n")


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    main(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) == 3 else None)
