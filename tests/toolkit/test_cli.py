"""The command line itself: exit codes, one JSON document, any terminal."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from litesmith import __version__
from litesmith.cli import COMMANDS, main


def run(*arguments, **options):
    line = [sys.executable, "-m", "litesmith", *map(str, arguments)]
    return subprocess.run(line, capture_output=True, **options)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_shows_an_example(command, capsys):
    with pytest.raises(SystemExit) as stopped:
        main([command, "--help"])
    assert stopped.value.code == 0
    assert f"example: litesmith {command}" in capsys.readouterr().out


def test_the_version_is_the_package_version(capsys):
    with pytest.raises(SystemExit):
        main(["--version"])
    assert capsys.readouterr().out == f"litesmith {__version__}\n"


@pytest.mark.parametrize(
    "arguments", [["inspect"], ["nonsense"], ["check", "x"], ["bench", "x", "--threads", "y"], ["run", "a", "--oops"]]
)
def test_usage_errors_are_exit_2_and_json_where_asked_for(arguments, capsys):
    assert main([*arguments, "--json"]) == 2
    captured = capsys.readouterr()
    assert json.loads(captured.out)["error"]["type"] == "UsageError"
    assert captured.err.count("litesmith: error:") == 1


def test_errors_name_the_file(tmp_path, capsys):
    assert main(["inspect", str(tmp_path / "absent.tflite")]) == 2
    captured = capsys.readouterr()
    assert captured.out == "" and "absent.tflite" in captured.err


def test_names_that_the_terminal_has_no_letters_for(golden, tmp_path):
    file = tmp_path / "\u732b.tflite"
    file.write_bytes((golden / "int8.tflite").read_bytes())
    ascii_only = {**os.environ, "LC_ALL": "C", "PYTHONIOENCODING": "ascii"}
    plain = run("inspect", file, env=ascii_only)
    assert plain.returncode == 0 and b"full-int8" in plain.stdout
    missing = run("inspect", tmp_path / "\u732b\U0001f600.tflite", "--json", env=ascii_only)
    assert missing.returncode == 2
    assert "\u732b\U0001f600" in json.loads(missing.stdout)["error"]["message"]


def test_an_answer_that_cannot_be_written_is_an_error(golden):
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "litesmith", "inspect", golden / "int8.tflite"], stdout=full, stderr=subprocess.PIPE
        )
    assert done.returncode == 2
    assert b"cannot be written" in done.stderr and b"Traceback" not in done.stderr


def test_a_reader_that_has_seen_enough_is_no_error(golden):
    command = f"{sys.executable} -m litesmith inspect {golden / 'int8.tflite'} | head -1"
    done = subprocess.run(["bash", "-c", f"set -o pipefail; {command}"], capture_output=True)
    assert b"Traceback" not in done.stderr and b"Broken" not in done.stderr


def test_too_much_memory_is_one_clear_error(tmp_path, capsys):
    recipe = tmp_path / "r.toml"
    recipe.write_text(
        'name = "r"\n[data]\nsource = "digits"\nimage_shape = [16384, 4096, 1]\n'
        '[student]\nmodel = "litesmith.zoo:digits_student"\n'
    )
    assert main(["run", str(recipe), "--out", str(tmp_path / "out")]) == 2
    assert "not enough memory" in capsys.readouterr().err
