"""The files of a bundle that say how its input is made: preprocess.json, or the text contract."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from litesmith.calibration.preprocess import Preprocess
from litesmith.calibration.text.contract import TextContract
from litesmith.calibration.text.contract_json import KEPT_IDS, MERGES, SETTINGS, VOCABULARY
from litesmith.converters.metadata import PREPROCESS_FILE
from litesmith.errors import DataError, ModelError

TEXT_FILE = SETTINGS
# What bundles may hold of it: either the first or all of one of the others.
CONTRACTS = (
    (PREPROCESS_FILE,),
    (SETTINGS, VOCABULARY),
    (SETTINGS, VOCABULARY, MERGES),
    (SETTINGS, VOCABULARY, KEPT_IDS),
    (SETTINGS, VOCABULARY, MERGES, KEPT_IDS),
)


def contract_files(contract: Preprocess | TextContract) -> dict[str, bytes]:
    """By name in the bundle."""
    if isinstance(contract, TextContract):
        return contract.to_files()
    return {PREPROCESS_FILE: contract.to_json().encode()}


def contract_place(folder: Path, contents: Mapping[str, bytes]) -> Path:
    """The file that messages about the contract name."""
    return folder / (TEXT_FILE if TEXT_FILE in contents else PREPROCESS_FILE)


def read_contract(folder: Path, contents: Mapping[str, bytes]) -> Preprocess | TextContract:
    """The contract of a bundle's files.

    Raises:
        ModelError: it cannot be read; the message names the file.
    """
    place = contract_place(folder, contents)
    try:
        if TEXT_FILE in contents:
            return TextContract.from_files(contents)
        return Preprocess.from_dict(json.loads(contents[PREPROCESS_FILE]))
    except ValueError as error:
        raise ModelError("is no JSON; write the bundle again", file=place) from error
    except DataError as error:
        raise ModelError(str(error), file=place) from error


def tensor_shape(contract: Preprocess | TextContract) -> tuple[int, ...]:
    """Of one sample, without the batch."""
    return (contract.length,) if isinstance(contract, TextContract) else contract.tensor_shape
