"""Runs the golden vectors of a bundle on a device: a model that is fast there but wrong has no latency."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from litesmith.converters.tflite_model import TFLiteModel
from litesmith.errors import DeviceError, ModelError
from litesmith.golden import MODEL_FILE, VECTORS_FILE, GoldenResult, compare_golden
from litesmith.golden_vectors import read_golden
from litesmith.targets.bench_session import Measurements
from litesmith.targets.devices.device import Configuration, Device
from litesmith.targets.measurement import OutputCheck

BUNDLE = "bundle"


def bundle_beside(model: TFLiteModel) -> Path | None:
    """The folder of the bundle that holds this very file: its own folder, or `bundle` in it; None where none does."""
    folder = Path(model.source).parent
    for candidate in (folder, folder / BUNDLE):
        shipped = candidate / MODEL_FILE
        if (candidate / VECTORS_FILE).is_file() and shipped.is_file() and shipped.read_bytes() == model.content:
            return candidate
    return None


def with_outputs(device: Device, measured: Measurements, bundles: Mapping[str, Path]) -> Measurements:
    """Add to each measurement whether it computed what the golden vectors of its bundle say.

    Args:
        device: what was measured on.
        measured: a session there.
        bundles: folders by sha256 of the model; models without one are left as they are.
    """
    items = list(measured.items)
    try:
        for place, item in enumerate(items):
            bundle = bundles.get(item.sha256)
            if bundle is not None and item.error is None and not measured.interrupted:
                items[place] = replace(item, outputs=check_outputs(device, bundle, item.configuration))
    except KeyboardInterrupt:
        return Measurements(tuple(items), interrupted=True)
    return replace(measured, items=tuple(items))


def check_outputs(device: Device, bundle: Path, configuration: Configuration) -> OutputCheck:
    """What the golden vectors say of a configuration; a runner that cannot run them is no error, but is told."""
    try:
        result = verify_golden_on(device, bundle, configuration)
    except DeviceError as error:
        return OutputCheck(0, f"golden vectors were not run: {error}")
    except ModelError as error:
        return OutputCheck(0, "the golden vectors do not fit the model", str(error))
    found = (
        f"{result.vectors} golden vectors, at most {result.max_steps:.3g} {result.unit} apart "
        f"({result.tolerance_steps} allowed)"
    )
    if result.ok:
        return OutputCheck(result.vectors, found)
    classes = f", and {len(result.wrong_class)} give another class" if result.wrong_class else ""
    wrong = f"its outputs are wrong, so how fast it is means nothing: {found}{classes}; choose another delegate"
    return OutputCheck(result.vectors, found, wrong)


def verify_golden_on(device: Device, bundle: Path, configuration: Configuration | None = None) -> GoldenResult:
    """Run the golden vectors of a bundle through its model on a device, and compare as `verify_golden` does.

    Args:
        device: where to run them.
        bundle: the bundle's folder.
        configuration: delegate and threads; None for XNNPACK with one thread.

    Raises:
        ModelError: the vectors or the model cannot be read, or the runtime there cannot run it.
        DeviceError: the device fails, or its runner takes no inputs.
    """
    golden = read_golden(bundle / VECTORS_FILE)
    content = TFLiteModel.from_file(bundle / MODEL_FILE).content
    runs = [device.run_vectors(content, [vector.tensor], configuration) for vector in golden.vectors]
    for run in runs:
        found = [(output.shape, output.dtype.name) for output in run.outputs]
        if found != [(golden.output.shape, golden.output.dtype)]:
            raise ModelError(
                f"its outputs are {found}, not what {VECTORS_FILE} describes; write the bundle again",
                file=bundle / MODEL_FILE,
            )
    ran = runs[0]
    return compare_golden(golden, [run.outputs[0] for run in runs], ran.runtime, ran.runtime_version, ran.delegate)
