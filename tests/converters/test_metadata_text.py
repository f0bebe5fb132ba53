"""Metadata of text models: what is written is what is read, and images keep theirs."""

import json
import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from litesmith.calibration.text.contract import TextContract
from litesmith.calibration.text.tokenizer_folder import contract_from_folder
from litesmith.cli import main
from litesmith.converters.associated_files import append_files, appended_files
from litesmith.converters.metadata import read_metadata
from litesmith.converters.metadata_reader import parse_metadata
from litesmith.converters.metadata_tables import AssociatedFile, ModelFacts, metadata_bytes
from litesmith.converters.metadata_text import with_text_metadata
from litesmith.converters.text.architecture import Head
from litesmith.converters.tflite_model import TFLiteModel
from litesmith.errors import DataError
from tests.golden.make_text_checkpoints import write_tokenizer

GOLDEN = Path(__file__).parents[1] / "golden"
TOKENS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "a", "##b")
WORDPIECE = TextContract("wordpiece", TOKENS, 8, "[PAD]", "[UNK]", "[CLS]", "[SEP]", lowercase=True, longest_word=100)

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
files = st.lists(st.builds(AssociatedFile, texts, texts, st.integers(0, 6)), min_size=1, max_size=3).map(tuple)


@pytest.fixture
def model():
    return TFLiteModel.from_file(GOLDEN / "int8.tflite")


@given(files)
def test_the_vocabularies_of_a_tokenizer_come_back(vocabularies):
    facts = ModelFacts("name", "", (), (), wordpiece=vocabularies)
    assert parse_metadata(metadata_bytes(facts)) == facts


def test_the_contract_and_the_labels_are_inside(model):
    found = read_metadata(with_text_metadata(model, WORDPIECE, Head("sequence", ("no", "yes")), name="sst2"))
    assert TextContract.from_files(found.files) == WORDPIECE
    assert found.files["labels.txt"] == b"no\nyes\n"
    assert found.facts.min_parser_version == "1.1.0"
    assert [file.name for file in found.facts.wordpiece] == ["vocabulary.txt"]
    assert [(file.name, file.kind) for file in found.facts.inputs[0].files] == [("text.json", 0), ("vocabulary.txt", 5)]
    assert found.facts.outputs[0].description == "Logits of 2 classes."


def test_byte_level_bpe_names_no_bert_tokenizer(model, tmp_path):
    write_tokenizer(tmp_path, "roberta")
    contract = contract_from_folder(tmp_path, 8)
    found = read_metadata(with_text_metadata(model, contract, Head("embedding"), name="x"))
    assert found.facts.wordpiece == ()
    assert found.facts.min_parser_version == "1.0.1"
    assert TextContract.from_files(found.files) == contract


@pytest.mark.parametrize("kind", ["wordpiece", "byte_bpe"])
def test_the_tflite_support_library_reads_the_same(kind, model, tmp_path):
    """It needs packages of its own that go with no TensorFlow of today, so it is asked in another environment."""
    python = os.environ.get("LITESMITH_TFLITE_SUPPORT")
    if not python:
        pytest.skip("LITESMITH_TFLITE_SUPPORT names no Python that has tflite-support 0.4.4")
    write_tokenizer(tmp_path, "roberta")
    contract = WORDPIECE if kind == "wordpiece" else contract_from_folder(tmp_path, 8)
    path = tmp_path / "model.tflite"
    path.write_bytes(with_text_metadata(model, contract, Head("embedding"), name="x").content)
    code = (
        "import sys, json; from tflite_support import metadata\n"
        "from tensorflow_lite_support.metadata.cc.python import _pywrap_metadata_version as version\n"
        "content = open(sys.argv[1], 'rb').read()\n"
        "found = metadata.MetadataDisplayer.with_model_buffer(content).get_metadata_json()\n"
        "needed = version.GetMinimumMetadataParserVersion(bytes(metadata.get_metadata_buffer(content)))\n"
        "print(json.dumps([json.loads(found), needed]))\n"
    )
    done = subprocess.run([python, "-c", code, str(path)], capture_output=True, text=True, check=True)
    document, needed = json.loads(done.stdout)
    assert needed == document["min_parser_version"]
    (graph,) = document["subgraph_metadata"]
    assert graph["input_tensor_metadata"][0]["associated_files"][1]["type"] == "VOCABULARY"
    units = [unit["options_type"] for unit in graph.get("input_process_units", [])]
    assert units == (["BertTokenizerOptions"] if kind == "wordpiece" else [])


def test_embeddings_have_no_labels(model):
    found = read_metadata(with_text_metadata(model, WORDPIECE, Head("embedding"), name="minilm"))
    assert sorted(found.files) == ["text.json", "vocabulary.txt"]
    assert found.facts.outputs[0].files == ()
    assert found.facts.outputs[0].description == "An embedding of 10 numbers."


def test_same_arguments_same_bytes(model):
    made = [with_text_metadata(model, WORDPIECE, Head("embedding"), name="x").content for _ in range(2)]
    assert made[0] == made[1]


def test_a_label_of_two_lines_is_refused(model):
    with pytest.raises(DataError, match="one line"):
        with_text_metadata(model, WORDPIECE, Head("sequence", ("no", "y\nes")), name="x")


def test_inspect_says_what_is_wrong_with_a_contract(model, tmp_path, capsys):
    made = with_text_metadata(model, WORDPIECE, Head("embedding"), name="x").content
    inside = appended_files(made)
    inside["vocabulary.txt"] = inside["vocabulary.txt"].replace(b"##b", b"##c")
    path = tmp_path / "m.tflite"
    path.write_bytes(append_files(made[: made.index(b"PK\x03\x04")], inside))
    assert main(["inspect", str(path)]) == 0
    assert "a contract that cannot be read: vocabulary.txt" in capsys.readouterr().out
