"""What is told of a log beside its counts: whose it is, of which compiler, and what it means that it failed."""

from pathlib import Path

import pytest

from litesmith.targets.compiler_log import CompilerLog, read_log
from litesmith.targets.log_advice import fit_findings
from litesmith.targets.profile import TargetProfile

PROFILE = TargetProfile.load("edge_tpu@16")
TABLE = (
    "Operator                       Count      Status\n\nADD                            1          Mapped to Edge TPU\n"
)


def rules(log: CompilerLog, model: str = "folder/m.tflite") -> list[str]:
    return [finding.rule for finding in fit_findings(log, PROFILE, model)]


def log_of(version: str | None, model: str | None) -> CompilerLog:
    return CompilerLog("m.log", version, model, (), 1, 1, 0)


@pytest.mark.parametrize(
    ("version", "model", "expected"),
    [
        ("16.0.384591198", "elsewhere/m.tflite", []),
        (None, None, []),
        ("16.0", "C:\\models\\m.tflite", []),
        ("14.1.317412892", "m.tflite", ["log_of_another_version"]),
        ("16.0", "n.tflite", ["log_of_another_name"]),
        ("15.0", "n.tflite", ["log_of_another_name", "log_of_another_version"]),
    ],
)
def test_a_log_that_may_be_about_something_else_is_told(version, model, expected):
    assert rules(log_of(version, model)) == expected


def test_the_setting_that_fits_the_log_is_named():
    (known,) = fit_findings(log_of("14.1", None), PROFILE, "m.tflite")
    assert "--target edge_tpu@14" in known.fix
    (unknown,) = fit_findings(log_of("2.0.258810407", None), PROFILE, "m.tflite")
    assert "--target" not in unknown.fix


def test_several_logs_in_a_file_are_told(tmp_path: Path):
    path = tmp_path / "two.log"
    path.write_text("".join(f"Edge TPU Compiler version 16.0\nInput: {name}.tflite\n\n{TABLE}\n" for name in "mn"))
    log = read_log(path, "m.tflite")
    assert (log.model, log.sections, rules(log)) == ("m.tflite", 2, ["several_logs"])
