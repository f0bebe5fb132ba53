import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from litesmith.bundle_facts import BundleFacts
from litesmith.calibration.text.byte_bpe import ALPHABET
from litesmith.calibration.text.contract import TextContract
from litesmith.calibration.text.special_tokens import AddedToken
from litesmith.commands.bundle import ASSETS
from litesmith.errors import ModelError
from litesmith.kotlin_app import SOURCE, app_files, install
from litesmith.kotlin_checks import MOST_ADDED, app_facts, check_added_count
from litesmith.kotlin_model import model_source
from litesmith.targets.session import TensorSpec
from tests.toolkit.made_text_bundle import CONTRACT, LABELS, float_file, text_bundle

pytestmark = pytest.mark.xdist_group("bundle_text")

DEMO = Path(__file__).resolve().parents[2] / "android_demo"
CONTRACTS = DEMO / "app/src/main/kotlin/dev/litesmith/contract/text"
BYTE_BPE = TextContract(
    "byte_bpe",
    ("<pad>", "<unk>", "<s>", "</s>", "<$mask>", *ALPHABET, "ab"),
    length=16,
    pad="<pad>",
    unknown="<unk>",
    start="<s>",
    end="</s>",
    merges=(("a", "b"),),
    add_prefix_space=True,
    added=(AddedToken("<$mask>", lstrip=True),),
    pair_ends=2,
    second_type=0,
)


def facts(contract: TextContract, labels=LABELS) -> BundleFacts:
    return BundleFacts(
        name="a model", sha256="ab" * 32, oldest_runtime="2.15.0",
        input=TensorSpec("ids", (1, contract.length), "int32", None, None),
        output=TensorSpec("answer", (1, len(labels) or 24), "int8", 0.5, -3), labels=labels, preprocess=contract,
    )  # fmt: skip


def stated(source: str, name: str) -> str:
    """What the class says of one argument."""
    found = re.search(rf"\b{name} = (.*),$", source, re.MULTILINE)
    assert found, name
    return found[1]


def file_stated(contract: TextContract, name: str) -> str:
    said = contract.to_dict()["files"][name]
    return f'TextFile("litesmith/{name}", lines = {said["lines"]}, sha256 = "{said["sha256"]}")'


def test_every_setting_of_wordpiece_is_stated():
    source = model_source(facts(CONTRACT))
    assert stated(source, "length") == "8"
    assert stated(source, "special") == (
        'SpecialTokens(pad = "[PAD]", unknown = "[UNK]", start = "[CLS]", end = "[SEP]")'
    )
    assert stated(source, "kind") == (
        "PieceKind.WordPiece(Normalisation(cleanText = true, chineseCharacters = false, stripAccents = false, "
        "lowercase = true), longestWord = 20)"
    )
    assert 'AddedToken("[SEP]", normalized = false, lstrip = false, rstrip = false),' in source
    assert stated(source, "pairs") == "Pairs(ends = 1, secondType = 1)"
    assert stated(source, "vocabulary") == file_stated(CONTRACT, "vocabulary.txt")
    assert 'TensorSpec("ids", listOf(1, 8), ElementType.INT32, null)' in source
    assert "fun encode(text: String, pair: String? = null): ByteBuffer" in source
    assert "as logits, one for each label" in source
    assert "$" not in source


def test_every_setting_of_byte_bpe_is_stated():
    source = model_source(facts(BYTE_BPE))
    assert stated(source, "kind") == (
        f"PieceKind.ByteBpe(addPrefixSpace = true, merges = {file_stated(BYTE_BPE, 'merges.txt')})"
    )
    assert r'AddedToken("<\$mask>", normalized = false, lstrip = true, rstrip = false),' in source
    assert stated(source, "pairs") == "Pairs(ends = 2, secondType = 0)"


def test_an_embedding_has_no_labels():
    source = model_source(facts(replace(CONTRACT, added=()), labels=()))
    assert "val labels: List<String> = emptyList()" in source
    assert stated(source, "added") == "emptyList()"
    assert "as an embedding" in source


def test_an_app_gets_the_vocabulary_as_an_asset(tmp_path):
    bundle = text_bundle(tmp_path, float_file(LABELS), LABELS)
    assert app_facts(bundle).preprocess == CONTRACT
    app = tmp_path / "project"
    (app / "app" / "src").mkdir(parents=True)
    install(bundle, app, ASSETS, app_files(bundle, app).contents)
    assert (app / ASSETS / "vocabulary.txt").read_bytes() == CONTRACT.to_files()["vocabulary.txt"]
    assert "TextPreprocess" in (app / SOURCE).read_text(encoding="utf-8")


def test_more_added_tokens_than_a_class_holds_are_refused():
    check_added_count(Path("text.json"), MOST_ADDED)
    with pytest.raises(ModelError, match=r"text\.json: has 1025 added tokens"):
        check_added_count(Path("text.json"), MOST_ADDED + 1)


def test_the_apps_unicode_tables_are_pythons(tmp_path):
    subprocess.run([sys.executable, DEMO / "tools" / "make_unicode.py", tmp_path], check=True)
    made = sorted(path.name for path in tmp_path.iterdir())
    assert made == ["UnicodeClasses.kt", "UnicodeMappings.kt"]
    for name in made:
        assert (tmp_path / name).read_bytes() == (CONTRACTS / name).read_bytes(), "run make_unicode.py again"


def test_the_apps_kotlin_never_asks_the_machine_about_unicode():
    """`codePointAt` and `charCount` are arithmetic of UTF-16; all else of `Character`, and Kotlin's own, are tables."""
    machine = re.compile(
        r"Character\.(?!charCount)|java\.text|\.(lowercase|uppercase|trim|isBlank|isWhitespace|isLetter)\w*\("
    )
    for path in CONTRACTS.glob("*.kt"):
        assert not machine.search(path.read_text(encoding="utf-8")), path.name
