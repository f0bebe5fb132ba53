"""Makes small text models, bundles them and generates their Kotlin: the text template's test, and the text screen's.

Usage: make_text_cases.py SOURCES ASSETS. A case has a package of its own, and a folder in the assets.
"""

from __future__ import annotations

import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from make_cases import PACKAGE
from make_text_vectors import contracts

from litesmith.bundle import read_bundle
from litesmith.bundle_text import write_text_bundle
from litesmith.calibration.text.contract import TextContract
from litesmith.converters.keras import convert
from litesmith.converters.quantize import QuantizationSpec
from litesmith.converters.text.architecture import TextModel
from litesmith.converters.text.encoder import build_encoder
from litesmith.converters.text.integer.quantize import quantize_text
from litesmith.converters.tflite_model import TFLiteModel
from litesmith.files import write_bytes, write_text
from litesmith.kotlin_checks import app_facts
from litesmith.kotlin_model import ASSETS, model_source
from tests.calibration.text.text_samples import sentences
from tests.toolkit.made_text_bundle import text_model

LENGTH = 16
# By name: the contract's name in make_text_vectors.py, the labels, whether the file holds integers throughout.
CASES = {
    "text_classes": ("uncased", ("bad", "so-so", "good"), False),
    "text_embedding": ("byte_bpe_with_space", (), False),
    "text_integers": ("cased", ("no", "yes"), True),
}


def make_text_cases(sources: Path, assets: Path) -> int:
    """Write a class and the assets of each case; gives their number."""
    known, texts = dict(contracts()), sentences(200, seed=11)
    for name, (kind, labels, integers) in CASES.items():
        contract = replace(known[kind], length=LENGTH)
        drawn = text_model(labels, contract)
        model = _integers(drawn, contract, texts) if integers else convert(build_encoder(drawn), _FLOAT)
        with tempfile.TemporaryDirectory() as folder:
            bundle = read_bundle(
                write_text_bundle(Path(folder) / "bundle", model, texts, contract, name=name, labels=labels)
            )
            source = model_source(app_facts(bundle))
        source = source.replace(PACKAGE, f"package dev.litesmith.cases.{name}").replace(
            f'"{ASSETS}/', f'"cases/{name}/'
        )
        write_text(sources / name / "BundledModel.kt", source)
        for file, content in bundle.contents.items():
            write_bytes(assets / "cases" / name / file, content)
    return len(CASES)


_FLOAT = QuantizationSpec("float32")


def _integers(model: TextModel, contract: TextContract, texts: list[str]) -> TFLiteModel:
    return TFLiteModel(quantize_text(model, contract.encode_all(texts)).content, "<integers>")


if __name__ == "__main__":
    sys.stdout.write(f"{make_text_cases(Path(sys.argv[1]), Path(sys.argv[2]))} text models\n")
