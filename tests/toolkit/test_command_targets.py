"""`litesmith targets` through the command line: rules with their sources, and the page made from the profiles."""

import json
import re
from pathlib import Path

import pytest

from litesmith.cli import main
from litesmith.targets.profile import TargetProfile, list_profiles
from litesmith.targets.profile_page import MARKER, WIDTH, page, with_pages

PAGE = Path(__file__).parents[2] / "docs" / "targets.md"


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main(list(arguments))
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_the_page_about_targets_is_that_of_the_profiles():
    text = PAGE.read_text("utf-8")
    assert text == with_pages(text), "run `litesmith targets docs docs/targets.md`"


def test_every_target_has_its_section():
    titles = re.findall(r"^## (\w+): ", PAGE.read_text("utf-8"), re.M)
    assert tuple(titles) == list_profiles()


def test_docs_writes_behind_the_marker_and_leaves_the_head_alone(capsys, tmp_path):
    file = tmp_path / "page.md"
    file.write_text(f"# Mine\n\n{MARKER}\nold\n", "utf-8")
    code, _, _ = run(capsys, "targets", "docs", str(file))
    written = file.read_text("utf-8")
    assert code == 0
    assert written.startswith(f"# Mine\n\n{MARKER}\n\n## arm_cpu: ")
    assert "old" not in written.split("\n")
    assert written.endswith(PAGE.read_text("utf-8").partition(MARKER)[2])


def test_docs_without_a_file_prints_the_page(capsys):
    code, out, _ = run(capsys, "targets", "docs", "--json")
    assert code == 0
    assert json.loads(out)["markdown"].startswith("## arm_cpu: ")


@pytest.mark.parametrize("text", [None, "# Mine\n"])
def test_docs_refuses_a_file_that_is_not_there_or_has_no_marker(capsys, tmp_path, text):
    file = tmp_path / "page.md"
    if text is not None:
        file.write_text(text, "utf-8")
    code, _, err = run(capsys, "targets", "docs", str(file))
    assert code == 2
    assert str(file) in err


@pytest.mark.parametrize("name", list_profiles())
def test_show_cites_a_source_for_every_rule(capsys, name):
    code, out, _ = run(capsys, "targets", "show", name)
    body, _, sources = out.partition("sources:\n")
    known = set(re.findall(r"^\[(\d+)\] .*https://", sources, re.M))
    lines = [line for line in body.splitlines() if line and not line.endswith(":")]
    cited = [re.search(r"\[(\d+)(, recalled)?\]$", line) for line in lines]
    assert code == 0
    assert all(cited), [line for line, found in zip(lines, cited, strict=True) if not found][:3]
    assert {found[1] for found in cited if found} == known
    assert "{" not in body


@pytest.mark.parametrize("name", list_profiles())
def test_show_as_json_cites_a_source_for_every_rule(capsys, name):
    document = json.loads(run(capsys, "targets", "show", name, "--json")[1])
    uses = [
        *document["runtime"],
        *document["every_op"],
        *(use for op in document["ops"].values() for use in op["rules"]),
    ]
    assert all("https://" in item["source"] for item in (*uses, *document["ops"].values()))
    assert len(document["ops"]) >= 40


def test_show_says_what_was_only_recalled_and_from_when_on_an_operator_is_taken(capsys):
    edge_tpu = run(capsys, "targets", "show", "edge_tpu")[1]
    assert re.search(r"^SOFTMAX \[\d+, recalled\]$", edge_tpu, re.M)
    nnapi = run(capsys, "targets", "show", "nnapi")[1]
    assert re.search(r"^BATCH_MATMUL \(from 1000006 on\) ", nnapi, re.M)
    assert "Input 0 is …; only float32, int32, int8 can be used here. [1]" in nnapi


def test_what_keeps_nearly_every_operator_off_is_said_once(capsys):
    out = run(capsys, "targets", "show", "ethos_u55")[1]
    (line,) = [line for line in out.splitlines() if "An input is quantized per channel" in line and "Not so:" in line]
    profile = TargetProfile.load("ethos_u55")
    without = {
        name
        for name, op in profile.ops.items()
        if not any(use.rule == "per_tensor" and use.parameters["of"] == "operands" for use in op.rules)
    }
    assert set(line.partition("Not so: ")[2].partition(". [")[0].split(", ")) == without
    assert out.count("An input is quantized per channel") == 1


@pytest.mark.parametrize("name", list_profiles())
def test_every_operator_is_named_once_in_its_list(name):
    text = page(TargetProfile.load(name))
    flat = re.sub(r"\n +(?!- )", " ", text)
    named = [op for bold in re.findall(r"^- \*\*(.*?)\*\*", flat, re.M) for op in bold.partition(" (")[0].split(", ")]
    assert sorted(named) == sorted(TargetProfile.load(name).ops)
    assert all(len(line) <= WIDTH or "https://" in line or " " not in line.strip() for line in text.splitlines())
