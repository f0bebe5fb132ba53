"""The real all-MiniLM-L6-v2 in integers; the figures on the whole dev set are those of benchmarks/text.py."""

import numpy as np
import pytest

from litesmith.calibration.text.tokenizer_folder import contract_from_folder
from litesmith.converters.huggingface import load_text_model
from litesmith.converters.label import judge
from litesmith.converters.text.integer.massive import parts
from litesmith.converters.text.integer.quantize import quantize_text
from litesmith.converters.text.integer.report import report
from litesmith.converters.tflite_model import TFLiteModel

LENGTH = 64


@pytest.mark.slow
def test_minilm_keeps_its_embeddings(minilm, real_data):
    model, contract = load_text_model(f"hf:{minilm}", length=LENGTH), contract_from_folder(minilm, LENGTH)

    def sentences(name, count):
        lines = (real_data / "sst2" / f"{name}.tsv").read_text(encoding="utf-8").splitlines()[1:]
        long_enough = [line.rsplit("\t", 1)[0] for line in lines if name == "dev" or len(line) > 40]
        return np.asarray(contract.encode_all(long_enough[:count]), np.int32)

    made = quantize_text(model, sentences("train", 96))
    assert made.rows == parts(1, LENGTH)
    assert len(made.content) < 23.3e6
    assert judge(TFLiteModel(made.content)).label == "full-int8-int16"
    found = report(made, sentences("dev", 64))
    assert found.answer.cosine > 0.9965
    assert found.answer.least_cosine > 0.99
    # The massive row is held well; the error of the others grows slowly from layer to layer.
    assert min(layer.sum_decibels for layer in found.layers if layer.stop == 1) > 24
    assert min(layer.sum_decibels for layer in found.layers) > 20
