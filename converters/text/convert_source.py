"""What a text model is converted from: the model, its text contract, and sentences to calibrate and to judge with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from litesmith.calibration.text.contract import TextContract
from litesmith.calibration.text.sentences import read_texts, sentence_column
from litesmith.calibration.text.tokenizer_folder import contract_from_folder
from litesmith.converters.huggingface import load_text_model
from litesmith.converters.metadata_text import text_files
from litesmith.converters.text.architecture import Kind, TextModel
from litesmith.converters.text.checkpoint_hub import hub_origin
from litesmith.converters.text.checkpoint_settings import CheckpointSettings, read_settings
from litesmith.converters.text.checkpoint_source import SCHEME, checkpoint_folder, settings_folder
from litesmith.errors import CalibrationError, ConversionError, ModelError

Ids = npt.NDArray[np.int32]
# Each so many sentences one is kept to judge with, and so many at least; to calibrate with as many are needed.
EVERY, LEAST = 5, 16


@dataclass(frozen=True, slots=True, eq=False)
class TextSource:
    """Everything that a conversion reads, checked.

    Attributes:
        model: the encoder and its head.
        contract: how a text becomes its ids.
        calibration: ids (N, L) of sentences to calibrate with.
        judged: of others to judge with.
        name: of the checkpoint, for people.
        folders: that checkpoint and tokenizer were read from.
        origin: `NAME@COMMIT` of a checkpoint of the hub, else None.
    """

    model: TextModel
    contract: TextContract
    calibration: Ids
    judged: Ids
    name: str
    folders: tuple[Path, ...] = ()
    origin: str | None = None


def open_text_source(
    source: str | Path,
    sentences: Path | Sequence[str],
    *,
    length: int,
    revision: str | None = None,
    tokenizer: Path | None = None,
    columns: Sequence[str] = (),
    samples: int = 200,
    seed: int = 0,
) -> TextSource:
    """Read and check all that a conversion needs, before any work; all but the weights before these are downloaded.

    Args:
        source: folder or hub name of a checkpoint; `hf:` may stand before either.
        sentences: a file as `calibration.text.sentences` reads it, or the sentences.
        length: tokens of every text, padding included.
        revision: branch, tag or commit of a hub name.
        tokenizer: folder of the tokenizer; the checkpoint's if None.
        columns: of a table: the one that holds the sentences, or the two that hold pairs.
        samples: how many sentences to calibrate with, if there are so many.
        seed: for drawing them.

    Raises:
        CalibrationError: there are too few sentences, or the model takes pairs and there are none.
        ConversionError: `columns` is no list of one or two names.
        DataError: the tokenizer or the file of sentences cannot be read.
        ModelError: the checkpoint cannot be read, or does not go with the tokenizer.
    """
    if samples < LEAST or seed < 0:
        raise CalibrationError(f"{samples} samples drawn with seed {seed}: give {LEAST} samples or more, a seed from 0")
    _check_columns(columns)
    settings = read_settings(settings_folder(source, revision), length=length, tokenizer=tokenizer)
    contract = contract_from_folder(settings.tokenizer, length)
    _check_padding(settings, contract)
    wanted = samples + max(LEAST, -(-samples // (EVERY - 1)))
    rows = _drawn(contract, _texts(settings.kind, sentences, columns), wanted, seed)
    _check_enough(len(rows), sentences, columns)
    folder = checkpoint_folder(source, revision)
    model = load_text_model(folder, length=length, tokenizer=tokenizer)
    text_files(contract, model.head)
    if len(columns) == 2:
        model = replace(model, head=replace(model.head, pairs=True), pair_types=contract.pair_types)
    calibration, judged = _divided(np.stack(rows))
    origin = hub_origin(folder)
    called = str(source).removeprefix(SCHEME) if origin is None else origin.partition("@")[0]
    name = Path(called).name.strip(".") or folder.resolve().name
    model, folders = replace(model, origin=origin or name), (folder, tokenizer or folder)
    return TextSource(model, contract, calibration, judged, name, folders, origin)


def _check_padding(settings: CheckpointSettings, contract: TextContract) -> None:
    if contract.pad_id != settings.pad_id:
        raise ModelError(
            f"the tokenizer pads with id {contract.pad_id} ({contract.pad}), but config.json says {settings.pad_id}; "
            "give the tokenizer and the weights of one checkpoint",
            file=settings.config.path.parent,
        )


def _check_columns(columns: Sequence[str]) -> None:
    if isinstance(columns, str):
        raise ConversionError(f"columns is one text, {columns!r}, where a list of names is needed; give [{columns!r}]")
    if len(columns) > 2:
        raise ConversionError(f"{len(columns)} columns of texts ({', '.join(columns)}); a model takes one or a pair")


def _texts(kind: Kind, sentences: Path | Sequence[str], columns: Sequence[str]) -> list[tuple[str, ...]]:
    """Texts, or pairs of them."""
    if kind == "answer" and len(columns) != 2:
        raise CalibrationError(
            "a model that answers questions takes pairs; calibrate with a .tsv or .csv, and name the columns of "
            "questions and of passages: --column question --column context"
        )
    if isinstance(sentences, Path):
        return read_texts(sentences, columns)
    if columns:
        raise CalibrationError("columns are of a file; give the path of a .tsv or .csv with them")
    return [(sentence,) for sentence in sentences]


def _drawn(contract: TextContract, texts: Sequence[tuple[str, ...]], wanted: int, seed: int) -> list[Ids]:
    """The ids of so many texts that become different ones, in their order; of all where there are not so many."""
    rows: dict[bytes, tuple[int, Ids]] = {}
    for place in np.random.default_rng(seed).permutation(len(texts)).tolist():
        ids = contract.encode(*texts[place]).ids
        rows.setdefault(ids.tobytes(), (place, ids))
        if len(rows) == wanted:
            break
    return [ids for _, ids in sorted(rows.values(), key=lambda placed: placed[0])]


def _check_enough(count: int, sentences: Path | Sequence[str], columns: Sequence[str]) -> None:
    if count >= 2 * LEAST:
        return
    file, among = "", ""
    if isinstance(sentences, Path):
        file, names = f"{sentences}: ", columns or [name for name in (sentence_column(sentences),) if name]
        among = f" in {' and '.join(map(repr, names))}" if names else ""
    raise CalibrationError(
        f"{file}{count} different texts{among} are too few: {LEAST} are needed to calibrate with and {LEAST} to judge "
        "with; give a hundred or more of the kind that the app sees"
    )


def _divided(ids: Ids) -> tuple[Ids, Ids]:
    """What to calibrate with, and what to judge with: every fifth text, and 16 at least."""
    kept = np.linspace(EVERY - 1, len(ids) - 1, max(LEAST, -(-len(ids) // EVERY))).astype(np.int64)
    return np.delete(ids, kept, axis=0), ids[kept]
