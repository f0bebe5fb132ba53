"""What cannot be imported is refused before work starts, with what is wrong and what to do."""

import json
import struct
from dataclasses import replace

import numpy as np
import pytest

from litesmith.calibration.text.encoding import PairTypes
from litesmith.converters.huggingface import load_text_model
from litesmith.converters.text.architecture import Architecture, Head, TextModel
from litesmith.converters.text.architecture_weights import weight_shapes
from litesmith.errors import ModelError
from tests.golden.make_text_checkpoints import LENGTH, Case, save, weights, write_checkpoint


def refused(folder, message, **options):
    with pytest.raises(ModelError, match=message) as caught:
        load_text_model(folder, **{"length": LENGTH, **options})
    assert "\n" not in str(caught.value)


def changed(folder, **settings):
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **settings}))
    return folder


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"model_type": "gpt2"},
            r"architecture 'gpt2' .* supported are bert, distilbert, electra, mobilebert, roberta",
        ),
        ({"model_type": None}, "architecture None cannot be imported"),
        ({"hidden_size": "32"}, "hidden_size is '32'; expected a whole number"),
        ({"hidden_size": 10**12}, "hidden_size|embedding is 1000000000000|heads do not divide"),
        ({"hidden_size": -32}, "which no encoder has"),
        ({"num_hidden_layers": 10**9}, "layers of attention"),
        ({"num_hidden_layers": 0}, "0 layers"),
        ({"num_hidden_layers": -3}, "0 layers"),
        ({"num_attention_heads": 0}, "0 attention heads do not divide"),
        ({"num_attention_heads": 5}, "config.json: 5 attention heads do not divide a width of 32; mend the file"),
        ({"vocab_size": 0}, "vocabulary is 0"),
        ({"layer_norm_eps": "tiny"}, "layer_norm_eps is 'tiny'"),
        ({"layer_norm_eps": 7}, "epsilon is 7"),
        ({"hidden_act": "gelu_10"}, "hidden_act is 'gelu_10'; supported are gelu"),
        ({"hidden_act": ["gelu"]}, "hidden_act is"),
        ({"position_embedding_type": "relative_key"}, "position_embedding_type is 'relative_key'"),
        ({"is_decoder": True}, "is_decoder is True"),
        ({"pad_token_id": 300}, "padding's id 300 is not in the vocabulary of 300"),
        ({"id2label": {"0": "bad", "2": "good"}}, "id2label does not number its labels"),
        ({"id2label": {"0": "bad", "1": "good"}}, "names 2 labels, but the head has 3 outputs"),
        ({"id2label": {"0": "bad", "1": None, "2": "good"}}, "config.json: id2label: label 1 is null; expected a text"),
        ({"id2label": {"0": "bad", "1": "good", "2": 5}}, "config.json: id2label: label 2 is 5; expected a text"),
        (
            {"id2label": {"0": "bad", "1": "bad", "2": "good"}},
            "config.json: two classes have the same label: bad, bad, good; give each its own",
        ),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_configuration_that_describes_no_supported_encoder(settings, message, checkpoint):
    refused(changed(checkpoint("bert", "sequence"), **settings), message)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"use_bottleneck": False}, "use_bottleneck is False"),
        ({"trigram_input": False}, "trigram_input is False"),
        ({"key_query_shared_bottleneck": False}, "key_query_shared_bottleneck is False"),
        ({"normalization_type": "batch"}, "normalization_type is 'batch'"),
        ({"use_bottleneck_attention": "yes"}, "use_bottleneck_attention is 'yes'; expected true or false"),
        ({"num_feedforward_networks": 0}, "stacked is -1"),
    ],
    ids=str,
)
def test_a_mobilebert_that_is_arranged_otherwise(settings, message, checkpoint):
    refused(changed(checkpoint("mobilebert"), **settings), message)


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"{", "cannot be read as JSON"), (b"[]", "holds a list"), (b"\xff\xfe\x00", "JSON"), (b"[" * 99_999, "JSON")],
    ids=["cut", "list", "binary", "deep"],
)
@pytest.mark.parametrize("file", ["config.json", "tokenizer.json", "model.safetensors.index.json"])
def test_a_file_that_is_no_json_object(file, content, message, checkpoint):
    folder = checkpoint("bert")
    if file.startswith("model"):
        (folder / "model.safetensors").unlink()
    (folder / file).write_bytes(content)
    refused(folder, message)


@pytest.mark.parametrize(
    ("missing", "message"),
    [
        ("config.json", "config.json: no such file; give the whole folder"),
        ("vocab.txt", "has no tokenizer"),
        ("model.safetensors", "holds no model.safetensors"),
    ],
)
def test_a_folder_that_lacks_a_file(missing, message, checkpoint):
    folder = checkpoint("bert")
    (folder / missing).unlink()
    refused(folder, message)


def test_a_configuration_that_is_a_list(checkpoint):
    folder = checkpoint("bert")
    (folder / "config.json").write_text("[]")
    refused(folder, "config.json: it holds a list where settings were expected; download it again")


def test_places_that_hold_no_checkpoint(tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    refused(tmp_path / "nowhere", "no such folder; check the path")
    refused("hf:nobody/nothing", "no such folder, and the cache of the hub does not hold all of it")
    file = tmp_path / "model.safetensors"
    file.write_bytes(b"")
    refused(file, "it is a file; give the checkpoint's folder")


def test_a_pickle_is_not_opened(checkpoint):
    folder = checkpoint("bert")
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    refused(folder, r"a pickle \(pytorch_model.bin\).*safe_serialization=True")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x01",
        struct.pack("<Q", 1 << 62) + b"{}",
        struct.pack("<Q", 1 << 26) + b"{" * 64,
        struct.pack("<Q", 8) + b'{"a": 1}',
        struct.pack("<Q", 66) + b'{"a":{"dtype":"F32","shape":[9],"data_offsets":[0,999999999999]}}' + b" ",
    ],
    ids=["empty", "short", "endless", "cut", "no_tensor", "beyond"],
)
def test_a_damaged_or_hostile_safetensors_file(content, checkpoint):
    folder = checkpoint("bert")
    (folder / "model.safetensors").write_bytes(content)
    refused(folder, "cannot be read as safetensors")


def test_a_truncated_safetensors_file(checkpoint):
    folder = checkpoint("bert")
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-5])
    refused(folder, "cannot be read as safetensors")


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("bert.encoder.layer.1.output.dense.bias", None, "missing, such as bert.encoder.layer.1.output.dense.bias"),
        ("bert.encoder.layer.2.output.dense.bias", np.zeros(32, np.float32), "left over.* mend it .num_hidden_layers"),
        ("classifier.weight", np.zeros((3, 31), np.float32), r"shape \(3, 31\), .* \(3, 32\)"),
        ("classifier.weight", np.zeros((3, 32), np.int8), "stored as I8, not as floats"),
        ("classifier.bias", np.full(3, np.nan, np.float32), r"\S: head.output.bias holds NaN"),
        ("qa_outputs.weight", np.zeros((2, 32), np.float32), "left over, such as qa_outputs.weight"),
    ],
    ids=["missing", "left_over", "shape", "integers", "nan", "two_heads"],
)
def test_weights_that_are_not_those_of_the_configuration(name, values, message, checkpoint):
    folder = checkpoint("bert", "sequence")
    tensors = {**weights(Case("bert", "sequence")), name: values}
    save(folder, {key: tensor for key, tensor in tensors.items() if tensor is not None})
    refused(folder, message)


@pytest.mark.parametrize("settings", [{"num_hidden_layers": 1}, {"num_hidden_layers": 3}, {"intermediate_size": 40}])
def test_a_configuration_of_another_size_than_the_weights(settings, checkpoint):
    refused(changed(checkpoint("roberta", "token"), **settings), "left over|missing|has shape")


def test_an_index_that_does_not_match_its_shards(tmp_path):
    folder = write_checkpoint(tmp_path / "sharded", Case("bert", "embedding"), sharded=True)
    index = folder / "model.safetensors.index.json"
    content = json.loads(index.read_text())
    for places, message in (
        ({**content["weight_map"], "more": "model-00001-of-00002.safetensors"}, "do not agree about more"),
        ({**content["weight_map"], "more": "../../secret.safetensors"}, "no safetensors file beside it"),
        ({**content["weight_map"], "more": "model-00003-of-00002.safetensors"}, "model-00003.*no such file"),
        ({}, "has no weight_map"),
    ):
        index.write_text(json.dumps({"weight_map": places}))
        refused(folder, message)


def test_a_tokenizer_that_gives_more_ids_than_there_are_rows(checkpoint):
    folder = checkpoint("bert")
    with (folder / "vocab.txt").open("a") as file:
        file.write("one_more\n")
    refused(folder, "gives ids up to 300, but the table of tokens has 300 rows")
    roberta = checkpoint("roberta")
    added = {"added_tokens": [{"id": 301, "content": "<new>"}], "model": {"type": "BPE", "vocab": {"a": 0}}}
    (roberta / "tokenizer.json").write_text(json.dumps(added))
    refused(roberta, "gives ids up to 301")
    (roberta / "tokenizer.json").write_text(json.dumps({"model": {"type": "Unigram", "vocab": [["a", -1.0]]}}))
    refused(roberta, "supported are WordPiece and byte-level BPE")


@pytest.mark.parametrize("family", ["bert", "roberta"])
def test_a_length_beyond_the_positions(family, checkpoint):
    folder = checkpoint(family)
    assert load_text_model(folder, length=24).length == 24
    for length in (25, 0, -1):
        refused(folder, f"length {length} does not fit the table of 24 positions", length=length)


def test_labels_that_are_not_the_heads(checkpoint):
    folder = checkpoint("bert", "sequence")
    for labels in (("bad", "good"), ("good", "fair", "bad"), ("x", "y", "z")):
        refused(folder, "trained with the labels bad, fair, good, in this order", head=Head("sequence", labels))
    refused(checkpoint("bert"), "no head of kind token; to train one, give its labels", head=Head("token"))


@pytest.mark.parametrize(
    ("modules", "message"),
    [
        ({"type": "x.Dense", "path": "2_Dense"}, "chains Transformer, Pooling, Dense"),
        ({"type": "x.Normalize", "path": ""}, "pools by pooling_mode_lasttoken"),
    ],
)
def test_sentence_transformers_modules_that_are_not_supported(modules, message, checkpoint):
    folder = checkpoint("bert")
    chain = [{"type": "x.Transformer", "path": ""}, {"type": "x.Pooling", "path": "1_Pooling"}, modules]
    (folder / "modules.json").write_text(json.dumps(chain))
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text(json.dumps({"pooling_mode_lasttoken": True}))
    refused(folder, message)
    chain[1]["path"] = "../elsewhere"
    chain[2] = {"type": "x.Normalize", "path": ""}
    (folder / "modules.json").write_text(json.dumps(chain))
    refused(folder, "which is no folder beside it")


def test_values_that_refuse_themselves():
    for arguments, message in (
        ({"kind": "poetry"}, "no head is called 'poetry'"),
        ({"kind": "embedding", "pooling": "last"}, "no pooling is called 'last'"),
        ({"kind": "embedding", "labels": ("a",)}, "has no labels"),
        ({"kind": "token", "labels": ("a", "a")}, "same label"),
    ):
        with pytest.raises(ModelError, match=message):
            Head(**arguments)
    architecture = Architecture("bert", 9, 8, 2, 4, 4, (1,), 4, (4,))
    with pytest.raises(ModelError, match="weights are missing, such as"):
        TextModel(architecture, Head("embedding"), 8, 0, {}, "nowhere")
    with pytest.raises(ModelError, match="needs labels"):
        TextModel(architecture, Head("token"), 8, 0, {}, "nowhere")


@pytest.mark.parametrize(
    ("types", "message"),
    [
        (None, "not told where the second text begins; give pair_types"),
        (PairTypes(0, 1, 1), "end token's id 0 is the padding's"),
        (PairTypes(9, 1, 1), "end token's id 9 .* vocabulary of 9"),
        (PairTypes(-1, 1, 1), "end token's id -1"),
    ],
)
def test_a_model_of_pairs_is_told_how_to_tell_them_apart(types, message):
    architecture, head = Architecture("bert", 9, 8, 2, 4, 4, (1,), 4, (4,)), Head("answer")
    weights = {name: np.zeros(shape, np.float32) for name, shape in weight_shapes(architecture, head).items()}
    with pytest.raises(ModelError, match=message):
        TextModel(architecture, head, 8, 0, weights, "nowhere", pair_types=types)
    told = TextModel(architecture, head, 8, 0, weights, "nowhere", pair_types=PairTypes(8, 1, 1))
    assert told.told_apart == PairTypes(8, 1, 1)
    one_type = replace(architecture, token_types=1)
    weights = {**weights, "embeddings.type": weights["embeddings.type"][:1]}
    assert TextModel(one_type, head, 8, 0, weights, "nowhere").told_apart is None
