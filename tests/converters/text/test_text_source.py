"""What a source names: a folder, or a name on the hub with or without a revision. Nothing here asks a hub."""

from pathlib import Path

import pytest

from litesmith.converters.huggingface import load_text_model
from litesmith.converters.text.checkpoint_source import checkpoint_folder
from litesmith.errors import ModelError


@pytest.fixture
def folder(checkpoint, tmp_path, monkeypatch):
    """A checkpoint in a folder `ner` of the working directory."""
    monkeypatch.chdir(tmp_path)
    return checkpoint("bert").rename(tmp_path / "ner")


@pytest.mark.parametrize("before", ["", "./", "{}/"], ids=["name", "relative", "absolute"])
def test_a_folder_has_no_revision(before, folder):
    source = f"hf:{before.format(folder.parent)}ner"
    for arguments in ((f"{source}@main",), (source, "main")):
        with pytest.raises(ModelError, match=r"ner: it is a folder, which has no revision 'main'; leave"):
            checkpoint_folder(*arguments)


@pytest.mark.parametrize("name", ["ner@main", "ner@", "a@b", "@"])
def test_a_folder_may_have_an_at_in_its_name(name, folder):
    (folder.parent / name).mkdir(exist_ok=True)
    assert checkpoint_folder(f"hf:{name}").name == name


@pytest.mark.parametrize("source", ["hf:org/ner@", "org/ner@", "hf:ner@"])
def test_a_revision_has_to_follow_the_at(source, folder):
    with pytest.raises(ModelError, match=r"ner@: no revision follows the @; name a branch"):
        checkpoint_folder(source)


@pytest.mark.parametrize("revision", ["", " "])
@pytest.mark.parametrize("source", ["hf:org/ner", "hf:org/ner@v1", "hf:ner"])
def test_an_empty_revision_is_not_main(source, revision, folder):
    with pytest.raises(ModelError, match=r"the revision is empty; name a branch, tag or commit, or leave"):
        checkpoint_folder(source, revision)


def test_what_stands_before_an_at_alone_is_not_the_working_directory(folder):
    with pytest.raises(ModelError, match="no such folder; check the path"):
        checkpoint_folder("hf:@main")


@pytest.mark.parametrize(
    ("tokenizer", "message"),
    [("nope", "no such folder"), ("hf:org/ner", "no such folder"), ("ner/vocab.txt", "it is a file")],
)
def test_a_tokenizer_is_a_folder(tokenizer, message, folder):
    with pytest.raises(ModelError, match=f"{tokenizer}: {message}; --tokenizer takes a folder"):
        load_text_model("ner", length=16, tokenizer=Path(tokenizer))
