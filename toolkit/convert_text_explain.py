"""Where the integers of a converted text model lose accuracy, and what each rewrite is good for."""

from __future__ import annotations

import time
from collections.abc import Sequence
from itertools import count
from typing import Any

from litesmith.convert_text_measure import JudgedFile
from litesmith.converters.text.convert_files import Progress
from litesmith.converters.text.convert_source import TextSource
from litesmith.converters.text.integer.report import IntegerReport, report, rewrite_gains
from litesmith.converters.text.integer.rewrites import NAMES


def explanation(
    source: TextSource, files: Sequence[JudgedFile], on_progress: Progress, seconds: dict[str, float], **options: Any
) -> IntegerReport | None:
    """Measure the integer file among several layer by layer, and once more without each rewrite.

    Args:
        source: of the files.
        files: all that were made.
        on_progress: is told which rewrite it is at.
        seconds: gets an entry for this.
        options: of `quantize_text`, as the file was made with.

    Returns:
        None where no file is of `int`.
    """
    made = next((one.file.integers for one in files if one.file.integers is not None), None)
    if made is None:
        return None
    start, done = time.perf_counter(), count()
    gains = rewrite_gains(
        source.model,
        source.calibration,
        source.judged,
        on_progress=lambda rewrite: on_progress("explain", next(done), len(NAMES)),
        **options,
    )
    found = report(made, source.judged, gains=gains)
    seconds["explain"] = time.perf_counter() - start
    return found
