"""Imported checkpoints say what transformers' own classes say, whatever files they are stored in."""

import json
import os
import shutil
import subprocess
import sys

import ml_dtypes
import numpy as np
import pytest

from litesmith.calibration.text.encoding import PairTypes
from litesmith.converters.huggingface import load_text_model
from litesmith.converters.keras import convert
from litesmith.converters.quantize import QuantizationSpec
from litesmith.converters.text.architecture import Head
from litesmith.converters.text.encoder import build_encoder
from litesmith.measure import predict
from tests.golden.make_text_checkpoints import (
    CASES,
    LENGTH,
    Case,
    answers,
    excerpt,
    save,
    weights,
    write_checkpoint,
)

# The quick start of sentence-transformers: https://sbert.net/docs/sentence_transformer/usage/usage.html
SENTENCES = ("The weather is lovely today.", "It's so sunny outside!", "He drove to the stadium.")
COSINES = (0.6660, 0.1046, 0.1411)


@pytest.fixture(scope="module")
def references(golden):
    """Numbers that transformers 4.46.3 with torch 2.5.1 gave; made by `benchmarks/text_reference.py --write`."""
    return json.loads((golden / "text_reference.json").read_text())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_every_family_and_head_says_what_transformers_says(case, references, tmp_path):
    text_model = load_text_model(write_checkpoint(tmp_path / "checkpoint", case), length=LENGTH)
    assert text_model.head.kind == case.kind
    assert text_model.fresh == ()
    np.testing.assert_allclose(excerpt(answers(case, text_model)), references[case.id], atol=3e-5)


@pytest.fixture(scope="module")
def sentence_ids(minilm):
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(minilm / "tokenizer.json"))
    tokenizer.enable_padding(length=32)
    return np.array([encoding.ids for encoding in tokenizer.encode_batch(list(SENTENCES))], np.int32)


@pytest.fixture(scope="module")
def minilm_encoder(minilm):
    return build_encoder(load_text_model(f"hf:{minilm}", length=32))


def test_minilm_gives_the_cosines_that_its_documentation_prints(minilm_encoder, sentence_ids):
    vectors = minilm_encoder(sentence_ids).numpy()
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    cosines = vectors @ vectors.T
    np.testing.assert_allclose([cosines[0, 1], cosines[0, 2], cosines[1, 2]], COSINES, atol=6e-5)


@pytest.mark.slow
def test_minilm_says_the_same_in_litert(minilm_encoder, sentence_ids):
    file = convert(minilm_encoder, QuantizationSpec("float32"))
    assert np.abs(predict(file, sentence_ids).real - minilm_encoder(sentence_ids).numpy()).max() < 1e-5


@pytest.mark.parametrize(("dtype", "error"), [(np.float16, 1e-3), (ml_dtypes.bfloat16, 8e-3)], ids=["half", "bfloat"])
def test_half_precision_is_widened(dtype, error, tmp_path):
    case = Case("electra", "token")
    exact = load_text_model(write_checkpoint(tmp_path / "exact", case), length=LENGTH).weights
    stored = load_text_model(write_checkpoint(tmp_path / "half", case, dtype=dtype), length=LENGTH).weights
    for name, values in exact.items():
        assert stored[name].dtype == np.float32
        np.testing.assert_allclose(stored[name], values, rtol=error, atol=1e-6)
    assert any((stored[name] != values).any() for name, values in exact.items())


def test_shards_and_the_old_names_of_a_norm_give_the_same_weights(tmp_path):
    case = Case("bert", "sequence")
    single = load_text_model(write_checkpoint(tmp_path / "single", case), length=LENGTH).weights
    sharded = load_text_model(write_checkpoint(tmp_path / "sharded", case, sharded=True), length=LENGTH).weights
    old = write_checkpoint(tmp_path / "old", case)
    renames = {"LayerNorm.weight": "LayerNorm.gamma", "LayerNorm.bias": "LayerNorm.beta"}
    tensors = weights(case)
    for new, before in renames.items():
        tensors = {name.replace(new, before): values for name, values in tensors.items()}
    save(old, tensors)
    for name, values in load_text_model(old, length=LENGTH).weights.items():
        np.testing.assert_array_equal(single[name], values)
        np.testing.assert_array_equal(sharded[name], values)


def test_weights_that_no_output_needs_are_known_by_name(checkpoint):
    folder = checkpoint("bert")
    extra = {
        "embeddings.position_ids": np.arange(24)[None],
        "cls.predictions.transform.dense.weight": np.zeros((2, 2), np.float32),
    }
    save(folder, weights(Case("bert", "embedding")) | extra)
    assert not [name for name in load_text_model(folder, length=LENGTH).weights if name.startswith("head.")]


@pytest.mark.parametrize("family", ["bert", "roberta"])
def test_a_head_is_drawn_anew_where_the_checkpoint_has_none(family, checkpoint):
    folder = checkpoint(family)
    head = Head("sequence", labels=("no", "yes"), pairs=True)
    first, again, other = (load_text_model(folder, length=LENGTH, head=head, seed=seed) for seed in (1, 1, 2))
    drawn = ["head.output.kernel", "head.output.bias"]
    # BERT's pooler was trained before and is kept; RoBERTa's head has a layer of its own.
    assert sorted(first.fresh) == sorted(
        drawn if family == "bert" else [*drawn, "head.dense.kernel", "head.dense.bias"]
    )
    assert first.head.labels == ("no", "yes")
    # RoBERTa has one type; [SEP] is token 3 of the others.
    assert first.told_apart == (PairTypes(3, 1, 1) if family == "bert" else None)
    np.testing.assert_array_equal(first.weights["head.output.kernel"], again.weights["head.output.kernel"])
    assert (first.weights["head.output.kernel"] != other.weights["head.output.kernel"]).any()
    assert 0.005 < first.weights["head.output.kernel"].std() < 0.04


def test_a_head_of_another_kind_is_left_behind(checkpoint):
    folder = checkpoint("distilbert", "sequence")
    text_model = load_text_model(folder, length=LENGTH, head=Head("token", labels=("in", "out")))
    assert text_model.weights["head.output.kernel"].shape == (32, 2)
    assert text_model.fresh == ("head.output.kernel", "head.output.bias")
    embedding = load_text_model(folder, length=LENGTH, head=Head("embedding", pooling="first", normalize=True))
    assert not [name for name in embedding.weights if name.startswith("head.")]


def test_labels_without_names_take_those_that_are_asked_for(checkpoint):
    folder = checkpoint("bert", "token", id2label=None)
    assert load_text_model(folder, length=LENGTH).head.labels == ("LABEL_0", "LABEL_1", "LABEL_2")
    named = load_text_model(folder, length=LENGTH, head=Head("token", labels=("a", "b", "c")))
    assert (named.head.labels, named.fresh) == (("a", "b", "c"), ())


@pytest.mark.parametrize(("mode", "pooling"), [("cls_token", "first"), ("max_tokens", "max"), ("mean_tokens", "mean")])
def test_the_files_of_sentence_transformers_say_how_to_pool(mode, pooling, checkpoint):
    folder = checkpoint("bert")
    kinds = ["Transformer", "Pooling", "Normalize"]
    modules = [{"path": f"{i}_{kind}" if i else "", "type": f"library.{kind}"} for i, kind in enumerate(kinds)]
    (folder / "modules.json").write_text(json.dumps(modules))
    (folder / "1_Pooling").mkdir()
    modes = {f"pooling_mode_{name}": name == mode for name in ("cls_token", "max_tokens", "mean_tokens")}
    (folder / "1_Pooling" / "config.json").write_text(json.dumps({"word_embedding_dimension": 32, **modes}))
    assert load_text_model(folder, length=LENGTH).head == Head("embedding", pooling=pooling, normalize=True)


def test_a_hub_name_is_found_in_the_cache_without_a_network(checkpoint, tmp_path):
    commit = "0123456789abcdef0123456789abcdef01234567"
    place = tmp_path / "home" / "hub" / "models--someone--small"
    (place / "refs").mkdir(parents=True)
    (place / "refs" / "main").write_text(commit)
    shutil.copytree(checkpoint("electra", "answer"), place / "snapshots" / commit)
    code = (
        "from litesmith.converters.huggingface import load_text_model;"
        "m = load_text_model('hf:someone/small', length=8); print(m.architecture.family, m.head.kind, m.origin)"
    )
    environment = {**os.environ, "HF_HOME": str(tmp_path / "home"), "HF_HUB_OFFLINE": "1"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.split() == ["electra", "answer", f"someone/small@{commit}"]
