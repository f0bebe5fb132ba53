"""Real bundles of the small models, and bundles that somebody tampered with."""

import dataclasses

import numpy as np

from litesmith.bundle import Bundle, Provenance, read_bundle, write_bundle
from litesmith.calibration.preprocess import Preprocess
from litesmith.converters.tflite_model import TFLiteModel
from litesmith.dataset import Dataset
from litesmith.ledger import Ledger, Row
from litesmith.splits import Splits

NAMES = tuple("abcdefghij")
_FILES = {"labels": "labels.txt", "preprocess": "preprocess.json", "model": "model.tflite"}


def bundle_of(path, folder, quantize_details, **recipe) -> Bundle:
    """A bundle of one of the small models, which all take 8x8 gray images and know ten classes."""
    model = TFLiteModel.from_file(path)
    x = np.random.default_rng(0).random((10, 8, 8, 1), np.float32)
    part = Dataset(x, np.arange(10), NAMES, Preprocess((8, 8, 1)), "noise")
    row = Row("student", "full-int8", "litert", 0.5, 0.5, 10, 0.0, 1.0, model.sha256, 8_624, 5_827)
    parity = {"samples": 10, "max_difference": 0.0, "mean_difference": 0.0, "max_lsb": None, "argmax_agreement": 1.0}
    locked = {"recipe": {"name": "noise", "task": "classification", **recipe}, "versions": {"litesmith": "0.1.0"},
              "digests": {"recipe": "r", "data": "d"}}  # fmt: skip
    details = {"quantize": quantize_details(steps=["student"], parity=parity)}
    provenance = Provenance(locked, Ledger((row,)), details, {})
    return read_bundle(write_bundle(folder / "bundle", model, Splits(part, part, part, part), provenance))


def changed(bundle: Bundle, manifest=None, **contents) -> Bundle:
    """As if someone had written another file or manifest, with digests that agree."""
    new = {_FILES[name]: content for name, content in contents.items()}
    return dataclasses.replace(
        bundle, manifest={**bundle.manifest, **(manifest or {})}, contents={**bundle.contents, **new}
    )
