"""The files that `litesmith bundle --android` writes into an app beside the assets."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path

from litesmith.bundle import Bundle
from litesmith.converters.runtime_versions import RuntimeVersion
from litesmith.errors import ModelError, OutputError
from litesmith.files import write_bytes
from litesmith.golden import VECTORS_FILE
from litesmith.kotlin_checks import kotlin_contract
from litesmith.kotlin_contract import KotlinContract
from litesmith.kotlin_model import model_source

SOURCE = Path("app/src/main/kotlin/dev/litesmith/generated/BundledModel.kt")
VECTORS = Path("app/src/test/resources/litesmith") / VECTORS_FILE
CATALOGUE = Path("gradle/libs.versions.toml")
PIN = "tensorflow-lite"
_VERSION = re.compile(r"\d+(\.\d+)*")


def app_files(bundle: Bundle, app: Path) -> Mapping[Path, bytes]:
    """The generated class and the vectors of its tests, by path in the app.

    Raises:
        ModelError: the bundle contradicts itself, or is more than the app can do.
        OutputError: the app's version of TFLite cannot be read.
    """
    contract = kotlin_contract(bundle)
    check_runtime(contract, app)
    return {SOURCE: model_source(contract).encode(), VECTORS: bundle.contents[VECTORS_FILE]}


def write_app_files(app: Path, contents: Mapping[Path, bytes]) -> None:
    """Write what `app_files` gave.

    Raises:
        OutputError: a file cannot be written.
    """
    for path, content in contents.items():
        write_bytes(app / path, content)


def check_runtime(contract: KotlinContract, app: Path) -> None:
    """Refuse a model that the app's TFLite is too old for; an app without a version catalogue is not looked at.

    Raises:
        ModelError: it is too old, or the model's oldest runtime is not known.
        OutputError: the catalogue names no version of TFLite.
    """
    catalogue = app / CATALOGUE
    if not catalogue.is_file():
        return
    try:
        pinned = tomllib.loads(catalogue.read_text(encoding="utf-8"))["versions"][PIN]
        version = RuntimeVersion.parse(pinned)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise OutputError(f'{catalogue}: has no version {PIN!r} such as "2.16.1" in [versions]; add it') from error
    needed = contract.oldest_runtime
    if not _VERSION.fullmatch(needed) or RuntimeVersion.parse(needed) > version:
        raise ModelError(
            f"{contract.name} needs TFLite {needed}, but the app has {pinned}; raise {PIN} in {catalogue}, "
            "or convert the model without its newest operators"
        )
