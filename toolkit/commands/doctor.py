"""`litesmith doctor`: what is installed, what this machine is, and what will not work together."""

from __future__ import annotations

import argparse
import os
import platform
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from litesmith import __version__
from litesmith.commands.answer import Answer, table
from litesmith.errors import DeviceError

SUMMARY = "show what is installed, what this machine is, and which combinations will not work"
EXAMPLE = "litesmith doctor --json"

PACKAGES = (
    "numpy", "flatbuffers", "ai-edge-litert", "tflite-runtime", "ml-dtypes", "tensorflow", "tf-keras",
    "tensorflow-model-optimization", "scikit-learn", "transformers",
)  # fmt: skip
# Runtimes that import in a fraction of a second, by the distribution that brings them.
PROBED = {"ai-edge-litert": "litert", "tflite-runtime": "tflite-runtime"}

Versions = Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that will not work, and what to do about it."""

    message: str
    fix: str


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """It takes none."""


def execute(args: argparse.Namespace) -> Answer:
    """Look, without importing any of the packages into this process."""
    versions = {name: _version(name) for name in PACKAGES}
    problems = [*find_problems(versions, os.environ.get("TF_USE_LEGACY_KERAS")), *_probe(versions)]
    sources = _sources()
    document = {
        "python": platform.python_version(),
        "litesmith": __version__,
        "packages": {name: {"version": versions[name], "brought_by": sources.get(name)} for name in PACKAGES},
        "machine": _machine(),
        "problems": [asdict(problem) for problem in problems],
    }
    return Answer(document, _text(document), exit_code=1 if problems else 0)


def find_problems(versions: Versions, legacy_keras: str | None = None) -> list[Problem]:
    """Every known bad combination.

    Args:
        versions: package -> version, None where it is not installed.
        legacy_keras: the value of TF_USE_LEGACY_KERAS, None where it is not set.
    """
    problems = [rule(versions) for rule in _RULES]
    return [problem for problem in (*problems, _keras_setting(versions, legacy_keras)) if problem is not None]


def _base(versions: Versions) -> Problem | None:
    missing = [name for name in ("numpy", "flatbuffers", "ai-edge-litert") if versions.get(name) is None]
    if not missing:
        return None
    return Problem(f"Litesmith needs {', '.join(missing)}", f"pip install {' '.join(missing)}")


def _numpy_for_tflite_runtime(versions: Versions) -> Problem | None:
    runtime, numpy = versions.get("tflite-runtime"), versions.get("numpy")
    if runtime is None or numpy is None or _release(numpy) < (2, 0):
        return None
    return Problem(
        f"tflite-runtime {runtime} was built for numpy 1, but numpy is {numpy}",
        'pip install "numpy<2", or pip uninstall tflite-runtime',
    )


def _numpy_for_ml_dtypes(versions: Versions) -> Problem | None:
    ml_dtypes, numpy = versions.get("ml-dtypes"), versions.get("numpy")
    if ml_dtypes is None or numpy is None or _release(ml_dtypes) < (0, 6) or _release(numpy) >= (2, 0):
        return None
    return Problem(f"ml_dtypes {ml_dtypes} needs numpy 2, but numpy is {numpy}", 'pip install "ml_dtypes<0.6"')


def _keras_missing(versions: Versions) -> Problem | None:
    tensorflow = versions.get("tensorflow")
    if tensorflow is None or versions.get("tf-keras") is not None:
        return None
    series = _series(tensorflow)
    return Problem(
        f"tensorflow {tensorflow} is installed without tf_keras, so its Keras is Keras 3",
        f'pip install "tf_keras=={series}.*"',
    )


def _keras_series(versions: Versions) -> Problem | None:
    tensorflow, keras = versions.get("tensorflow"), versions.get("tf-keras")
    if tensorflow is None or keras is None or _release(tensorflow) == _release(keras):
        return None
    return Problem(
        f"tensorflow {tensorflow} and tf_keras {keras} are of different releases",
        f'pip install "tf_keras=={_series(tensorflow)}.*"',
    )


def _keras_setting(versions: Versions, legacy_keras: str | None) -> Problem | None:
    # These are the values that mean yes in tensorflow/__init__.py (2.21); Litesmith sets one where there is none.
    if versions.get("tensorflow") is None or legacy_keras in {None, "1", "true", "True"}:
        return None
    return Problem(
        f"TF_USE_LEGACY_KERAS is {legacy_keras!r}, so tf.keras is Keras 3",
        "unset TF_USE_LEGACY_KERAS, or set it to 1",
    )


_RULES: tuple[Callable[[Versions], Problem | None], ...] = (
    _base, _numpy_for_tflite_runtime, _numpy_for_ml_dtypes, _keras_missing, _keras_series,
)  # fmt: skip


def _probe(versions: Versions) -> list[Problem]:
    if versions["numpy"] is None:
        return []
    from litesmith.targets.isolated import probe

    problems = []
    for distribution, runtime in PROBED.items():
        if versions[distribution] is None:
            continue
        try:
            probe(runtime)
        except DeviceError as error:
            problems.append(Problem(str(error), f"pip install --force-reinstall {distribution}"))
    return problems


def _machine() -> dict[str, Any]:
    from litesmith.targets.devices.host_state import cpu_model

    return {
        "system": platform.platform(),
        "cpu": cpu_model(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "tf_use_legacy_keras": os.environ.get("TF_USE_LEGACY_KERAS"),
        "adb": shutil.which("adb"),
    }


def _text(document: Mapping[str, Any]) -> str:
    machine = document["machine"]
    rows = [
        (name, package["version"] or "not installed", package["brought_by"] or "other packages")
        for name, package in document["packages"].items()
    ]
    memory_gib = machine["memory_bytes"] / 2**30
    lines = [
        f"Python {document['python']}, litesmith {document['litesmith']}, {machine['system']}",
        f"{machine['cpu']}, {machine['cores']} cores, {memory_gib:.1f} GiB",
        f"TF_USE_LEGACY_KERAS {machine['tf_use_legacy_keras'] or 'not set (Litesmith sets it to 1)'}",
        f"adb {machine['adb'] or 'not found'}",
        "",
        table(("package", "version", "brought by"), rows),
        "",
    ]
    for problem in document["problems"]:
        lines.append(f"problem: {problem['message']}\n    fix: {problem['fix']}")
    return "\n".join(lines if document["problems"] else [*lines, "no problems found"])


def _version(distribution: str) -> str | None:
    from importlib import metadata

    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def _sources() -> dict[str, str]:
    """Package -> the install of Litesmith that brings it, as Litesmith's own metadata says."""
    from importlib import metadata

    pattern = re.compile(r"([\w.-]+)(?:.*extra == [\"']([\w-]+)[\"'])?")
    found = (pattern.match(requirement) for requirement in metadata.requires("litesmith") or ())
    return {match[1]: f"litesmith[{match[2]}]" if match[2] else "litesmith" for match in found if match}


def _release(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:2])


def _series(version: str) -> str:
    return ".".join(str(part) for part in _release(version))
