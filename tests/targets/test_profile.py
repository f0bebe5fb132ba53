"""Profiles load, hold what their sources say, and refuse what is wrong in them by file and key."""

from pathlib import Path

import pytest

import litesmith.targets.profile as profile_module
from litesmith.converters.runtime_versions import RuntimeVersion, oldest_runtime
from litesmith.converters.tflite_model import OpCount
from litesmith.errors import TargetError, UnknownTarget
from litesmith.targets.profile import TargetProfile, bundled_text, list_profiles
from litesmith.targets.profile_toml import read_profile
from litesmith.targets.rules import RULES

FOLDER = Path(profile_module.__file__).parent / "profiles"
SETTINGS = [f"{name}@{setting}" for name in list_profiles() for setting in TargetProfile.load(name).parameter.values]

GOOD = """
title = "A chip"
accelerator = "chip"
accelerator_required = true
source = "page"
types_of = "activations"

[partition]
keep = "first"
max_segments = 1
source = "page"

[parameter]
meaning = "level"
values = ["1", "2", "3"]
default = "2"

[sources.page]
title = "A page"
url = "https://example.org"

[types]
bytes = { 1 = ["uint8"], 2 = ["uint8", "int8"] }

[[ops]]
names = ["ADD", "MUL"]
source = "page"
since = "2"
max_version = { 1 = 1, 3 = 4 }
types = "bytes"
rank = [1, 4]
rules = [{ rule = "fused_activation", allow = ["NONE"], before = "3" }]
"""


def read(text: str, setting: str | None = None) -> TargetProfile:
    return read_profile(text, "chip", "chip.toml", setting)


def test_the_bundled_profiles_are_those_of_the_folder():
    names = ("arm_cpu", "edge_tpu", "ethos_u55", "ethos_u65", "ethos_u85", "gpu", "micro", "nnapi")
    assert list_profiles() == names
    assert {path.stem for path in FOLDER.glob("*.toml")} == set(list_profiles())


@pytest.mark.parametrize("target", SETTINGS)
def test_every_setting_of_every_profile_loads(target):
    profile = TargetProfile.load(target)
    assert profile.label == target
    assert len(profile.ops) >= 40
    assert all(use.source.url.startswith("https://") for op in profile.ops.values() for use in op.rules)


def test_the_default_setting_is_used_where_none_is_named():
    assert TargetProfile.load("edge_tpu").label == "edge_tpu@16"
    assert TargetProfile.load("nnapi").label == "nnapi@30"
    assert TargetProfile.load("arm_cpu").label == "arm_cpu@litert-2.3"


@pytest.mark.parametrize(
    ("target", "part"),
    [
        ("edge_tpo", "did you mean 'edge_tpu'"),
        ("zzz", "Choose one of arm_cpu, edge_tpu, ethos_u55"),
        ("", "Choose one of"),
        ("../nnapi", "there is no target"),
        ("nnapi@26", r"choose one of 27 \(Android 8\.1\), 28 \(Android 9\)"),
        ("edge_tpu@", "has no compiler version ''; choose one of"),
    ],
)
def test_an_unknown_target_names_the_valid_ones(target, part):
    with pytest.raises(UnknownTarget, match=part):
        TargetProfile.load(target)


@pytest.mark.parametrize(
    ("setting", "rules"),
    [
        ("1", ["refused", "op_version", "tensor_types", "rank", "fused_activation"]),
        ("2", ["op_version", "tensor_types", "rank", "fused_activation"]),
        ("3", ["op_version", "tensor_types", "rank"]),
    ],
)
def test_rules_count_from_since_on_and_up_to_before(setting, rules):
    assert [use.rule for use in read(GOOD, setting).ops["MUL"].rules] == rules


@pytest.mark.parametrize(
    ("setting", "version", "types"), [("1", 1, ["uint8"]), ("2", 1, ["uint8", "int8"]), ("3", 4, ["uint8", "int8"])]
)
def test_tables_by_setting_give_the_last_entry_reached(setting, version, types):
    uses = {use.rule: use.parameters for use in read(GOOD, setting).ops["ADD"].rules}
    assert uses["op_version"]["maximum"] == version
    assert uses["tensor_types"] == {"of": "activations", "types": types}


@pytest.mark.parametrize(
    ("old", "new", "part"),
    [
        ('title = "A chip"', 'titel = "A chip"', r"chip\.toml: titel: unknown key; did you mean 'title'"),
        ('title = "A chip"\n', "", r"title: this key is required"),
        ("max_segments = 1", "max_segments = true", r"partition\.max_segments: True has the wrong type"),
        ('keep = "first"', 'keep = "best"', "'best' is neither"),
        ('default = "2"', 'default = "9"', r"parameter\.default '9'"),
        ('source = "page"\nsince', 'source = "pag"\nsince', r"ops\[0\]\.source: 'pag' is not in.*mean 'page'"),
        ('types = "bytes"', 'types = "byte"', r"ops\[0\]: 'byte' is not in \[types\]"),
        ('"ADD", "MUL"', '"ADD", "ADD"', "ADD has an entry already"),
        ('since = "2"', 'since = "7"', "'7' is not one of parameter.values"),
        ('rule = "fused_activation"', 'rule = "fused"', r"ops\[0\]\.rules\[4\]: there is no rule 'fused'"),
        ('allow = ["NONE"]', 'allowed = ["NONE"]', "has no parameter 'allowed'"),
        ('allow = ["NONE"]', 'allow = ["NONE"], severity = "bad"', "'bad' is none of error"),
        ('"fused_activation", allow = ["NONE"]', '"static_shape", of = "weights"', "'weights' names no tensors"),
        ("[types]", "[typ", "no valid TOML"),
        ('title = "A chip"', 'title = "A chip"\nextends = "nnap"', "extends: there is no profile 'nnap'"),
        ("rank = [1, 4]", 'rank = [1, 4]\ngroups = ["shared"]', r"ops\[0\]\.groups: 'shared' is not in \[groups\]"),
    ],
)  # fmt: skip
def test_what_is_wrong_in_a_profile_is_named_by_file_and_key(old, new, part):
    assert old in GOOD
    with pytest.raises(TargetError, match=part):
        read(GOOD.replace(old, new, 1))


MEMORY = """
[memory]
name = "cache"
holds = "weights"
bytes = 1000
text = "It is slow."
fix = "Shrink it."
source = "page"
"""


def test_the_memory_of_a_target_is_read_with_its_source():
    memory = read(GOOD + MEMORY).memory
    assert (memory.bytes, memory.holds, memory.severity, memory.source.title) == (1000, "weights", "warning", "A page")
    assert read(GOOD + MEMORY.replace("bytes = 1000\n", 'severity = "info"\n')).memory.bytes is None
    assert read(GOOD).memory is None
    assert read(GOOD + MEMORY).to_dict()["memory"]["source"] == "A page, https://example.org"
    assert "recalled" in read(GOOD + MEMORY + "confirmed = false\n").to_dict()["memory"]["source"]


@pytest.mark.parametrize(
    ("old", "new", "part"),
    [
        ("bytes = 1000", "bites = 1000", r"memory\.bites: unknown key; did you mean 'bytes'"),
        ("bytes = 1000", "bytes = 0", r"memory\.bytes: 0 is no size"),
        ("bytes = 1000", 'bytes = "1 kB"', r"memory\.bytes: '1 kB' has the wrong type"),
        ('"weights"', '"tensors"', r"memory\.holds: 'tensors' is none of weights, activations"),
        ('source = "page"', 'source = "pag"', r"memory\.source: 'pag' is not in.*mean 'page'"),
        ('fix = "Shrink it."\n', "", r"memory\.fix: this key is required"),
        ("bytes = 1000", 'severity = "bad"', r"memory\.severity: 'bad' is none of error"),
    ],
)
def test_what_is_wrong_about_a_memory_is_named_by_file_and_key(old, new, part):
    assert old in MEMORY
    with pytest.raises(TargetError, match=rf"chip\.toml: {part}"):
        read(GOOD + MEMORY.replace(old, new, 1))


def test_memory_that_is_known_is_that_of_the_sources():
    sizes = {name: TargetProfile.load(name).memory for name in list_profiles()}
    known = {name: memory.bytes for name, memory in sizes.items() if memory is not None}
    staged = 384 * 1024
    assert known == {
        "edge_tpu": 8 * 2**20, "ethos_u55": None, "ethos_u65": staged, "ethos_u85": staged, "micro": None,
    }  # fmt: skip


def test_every_rule_is_used_by_a_profile():
    profiles = [TargetProfile.load(target) for target in SETTINGS]
    used = {use.rule for profile in profiles for use in (*profile.runtime, *profile.every_op)}
    used |= {use.rule for profile in profiles for op in profile.ops.values() for use in op.rules}
    assert used == set(RULES) - {"custom_op", "unsupported_op"}  # these count for every target


@pytest.mark.parametrize(("setting", "notes"), [("27", 1), ("28", 1), ("29", 2), ("30", 2), ("1000008", 2)])
def test_notes_count_like_rules(setting, notes):
    texts = [note.text for note in TargetProfile.load(f"nnapi@{setting}").notes]
    assert len(texts) == notes
    assert any("driver is asked" in text for text in texts) == (notes == 2)


def test_facts_that_were_only_recalled_say_so():
    softmax = TargetProfile.load("edge_tpu").to_dict()["ops"]["SOFTMAX"]
    assert softmax["source"].endswith("(recalled, not confirmed)")
    conv = TargetProfile.load("edge_tpu").to_dict()["ops"]["CONV_2D"]
    assert not conv["source"].endswith("(recalled, not confirmed)")


def test_the_measured_versions_of_the_older_runtime_are_those_that_the_converters_know():
    (use,) = TargetProfile.load("arm_cpu@tflite-runtime-2.14").runtime
    versions = use.parameters["versions"]
    release = RuntimeVersion.parse("2.14.0")
    assert len(versions) > 150
    for op, version in versions.items():
        known = oldest_runtime({op: OpCount(1, version)})
        assert known.is_known
        assert known.version <= release, f"{op} version {version}"
        newer = oldest_runtime({op: OpCount(1, version + 1)})
        assert not newer.is_known or newer.version > release, f"{op} version {version + 1}"


def test_a_profile_that_extends_another_takes_what_it_does_not_set_itself():
    extended = read('extends = "nnapi"\ntitle = "Another"\naccelerator = "other"\n', "29")
    base = TargetProfile.load("nnapi@29")
    assert (extended.label, extended.title, extended.accelerator) == ("chip@29", "Another", "other")
    assert (extended.ops, extended.notes, extended.max_segments) == (base.ops, base.notes, base.max_segments)


def test_rules_of_a_group_come_before_the_own_ones_of_an_operator():
    group = '[groups]\nshared = [{ rule = "static_shape", of = "activations" }]\n\n[[ops]]'
    text = GOOD.replace("[[ops]]", group).replace("rank = [1, 4]", 'groups = ["shared"]')
    assert [use.rule for use in read(text).ops["ADD"].rules][-2:] == ["static_shape", "fused_activation"]


def test_without_a_fallback_a_broken_rule_and_an_unknown_operator_are_errors():
    profile = read(GOOD.replace('source = "page"', 'source = "page"\nfallback = false', 1))
    (loads,) = profile.runtime
    assert (loads.rule, loads.severity, set(loads.parameters["versions"])) == (
        "runtime_version",
        "error",
        {"ADD", "MUL"},
    )
    assert {use.severity for use in profile.ops["ADD"].rules} == {"error"}
    assert {use.severity for use in read(GOOD).ops["ADD"].rules} == {None}
    doubted = read(GOOD.replace('source = "page"', 'source = "page"\nfallback = false', 1) + "confirmed = false\n")
    assert {use.severity for use in doubted.ops["ADD"].rules} == {"warning"}


def test_findings_of_an_older_runtime_cite_what_was_compared_with_it():
    old = TargetProfile.load("arm_cpu@tflite-runtime-2.14").to_dict()
    uses = [*old["every_op"], *(use for op in old["ops"].values() for use in op["rules"])]
    assert len(uses) > 100
    assert all("tflite-runtime 2.14.0 wheel" in use["source"] for use in uses)
    assert all("tflite-runtime" not in use["source"] for use in TargetProfile.load("arm_cpu").to_dict()["every_op"])


@pytest.mark.parametrize(
    ("line", "part"),
    [
        ('known_as = { 99 = "x" }', "known_as names '99', which is not one of parameter.values"),
        ("known_as = 3", "parameter.known_as: 3 has the wrong type"),
    ],
)
def test_other_names_of_settings_are_checked(line, part):
    text = bundled_text("edge_tpu").replace('default = "16"', f'default = "16"\n{line}')
    with pytest.raises(TargetError, match=part):
        read_profile(text, "edge_tpu", "edge_tpu.toml")


@pytest.mark.parametrize("line", ["near_bytes = 9000000000", "near_bytes = 0"])
def test_a_limit_that_is_near_lies_below_the_limit(line):
    text = bundled_text("edge_tpu").replace("near_bytes = 7340032", line)
    with pytest.raises(TargetError, match=r"memory\.near_bytes"):
        read_profile(text, "edge_tpu", "edge_tpu.toml")


def test_a_source_instead_of_another_has_to_exist():
    text = bundled_text("edge_tpu").replace("[sources.axis]", '[sources.axis]\ninstead = { 16 = "axes" }')
    with pytest.raises(TargetError, match=r"sources\.axis\.instead: 'axes' is not in \[sources\]"):
        read_profile(text, "edge_tpu", "edge_tpu.toml")
