"""A bundle of a `.tflite` that no recipe made, written once the app is known to take it."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from litesmith.errors import DataError, OutputError

if TYPE_CHECKING:
    from litesmith.converters.tflite_model import TFLiteModel

_PAIR = 2


def make_of_file(args: argparse.Namespace) -> tuple[Path, str | None]:
    """Write the bundle of a text model.

    Args:
        args: of `litesmith bundle`: the file, its sentences, where the bundle goes, and the app or None.

    Returns:
        The bundle's folder, and the name of the bundle that was there; None where there was none.

    Raises:
        DataError: there are no sentences, pairs of them are needed or one alone, or the file holds no text contract.
        ModelError: it is no such model, or the app cannot use it.
        OutputError: `--out` is missing, cannot be written or holds something else, or the app's folder is no app's.
    """
    from litesmith.bundle_folder import check_replaceable, name_in, replace_folder
    from litesmith.bundle_text import text_bundle
    from litesmith.converters.tflite_model import TFLiteModel
    from litesmith.kotlin_app import app_files

    model = TFLiteModel.from_file(args.folder)
    if args.sentences is None:
        raise DataError(f"{args.folder}: a bundle proves a text model by sentences; pass --sentences FILE")
    if args.out is None:
        raise OutputError(f"{args.folder}: is no bundle yet; say where one shall be made with --out FOLDER")
    check_replaceable(args.out)
    _check_columns(model, args.sentences, args.column)
    bundle = text_bundle(args.out, model, _texts(args.sentences, args.column), name=args.folder.stem)
    if args.android is not None:
        app_files(bundle, args.android)  # says what the app cannot use before anything is written
    before = name_in(args.out)
    replace_folder(args.out, bundle.contents)
    return args.out, before


def _check_columns(model: TFLiteModel, sentences: Path, columns: Sequence[str]) -> None:
    """Who answers questions needs two columns: said before one is asked for."""
    from litesmith.calibration.table_rows import SUFFIXES, TableFile
    from litesmith.converters.associated_files import appended_files
    from litesmith.converters.metadata import LABELS_FILE
    from litesmith.tasks import QUESTION_ANSWERING, task_of

    inside = appended_files(model.content)
    labels = inside.get(LABELS_FILE, b"").decode().splitlines()
    answers = "text.json" in inside and [task_of(out.shape, labels) for out in model.outputs] == [QUESTION_ANSWERING]
    if not answers or len(columns) >= _PAIR or not sentences.is_file():
        return
    table = sentences.suffix.lower() in SUFFIXES
    there = f"of {', '.join(TableFile(sentences).names)}" if table else "of a .tsv or .csv"
    raise DataError(
        f"{sentences}: a model that answers questions is proved by pairs of question and passage; name two columns "
        f"{there}, that of the questions first: --column question --column context"
    )


def _texts(sentences: Path, columns: Sequence[str]) -> list[str | tuple[str, str]]:
    """Sentences of a file, or pairs where two columns are named."""
    from litesmith.calibration.text.sentences import read_texts

    if len(columns) > _PAIR:
        raise DataError(f"{len(columns)} columns of texts ({', '.join(columns)}); a model takes one or a pair")
    rows = read_texts(sentences, columns)
    return [(row[0], row[1]) if len(row) == _PAIR else row[0] for row in rows]
