"""One call from a Hugging Face checkpoint to a verified `.tflite`: read, quantize, prove, hold against float, write."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from litesmith.convert_text_choice import choose, shortfall
from litesmith.convert_text_explain import explanation
from litesmith.convert_text_measure import JudgedFile, TextLimits, answers
from litesmith.convert_text_out import refuse_overwriting
from litesmith.converters.text.convert_agreement import compare_answers
from litesmith.converters.text.convert_files import MODES, Mode, Progress, TextConverter, TextFile, silent
from litesmith.converters.text.convert_source import TextSource, open_text_source
from litesmith.converters.text.integer.quantize import Output
from litesmith.converters.text.integer.report import IntegerReport
from litesmith.converters.tflite_model import TFLiteModel
from litesmith.errors import ConversionError
from litesmith.files import write_bytes

NO_LIMITS = TextLimits()
_ONLY_EMBEDDINGS = "only embeddings made by --quantize int can be int16; leave --io out"


@dataclass(frozen=True, slots=True, eq=False)
class TextConversion:
    """What came of a checkpoint.

    Attributes:
        source: what was read.
        taken: the file, with its metadata and contract inside.
        files: all that were made, `taken` among them.
        refused: why others could not be made, by their mode.
        why: which to take and why, where several were asked for; else what a file that does not hold lacks, or empty.
        seconds: by step.
        report: where the integers of `int` lose accuracy and what each rewrite gains; None if not asked for.
    """

    source: TextSource
    taken: JudgedFile
    files: tuple[JudgedFile, ...]
    refused: dict[str, str]
    why: str
    seconds: dict[str, float]
    report: IntegerReport | None = None

    @property
    def model(self) -> TFLiteModel:
        """The file that was taken."""
        return self.taken.file.model


@dataclass(frozen=True, slots=True)
class _Options:
    """What kind of file is wanted."""

    quantize: Mode | Literal["compare"]
    output: Output
    wide_rows: int | None
    limits: TextLimits


def convert_text(
    source: str | Path,
    calibration: Path | str | Sequence[str],
    *,
    out: Path | str | None = None,
    quantize: Mode | Literal["compare"] = "int",
    length: int = 64,
    output: Output = "int8",
    wide_rows: int | None = None,
    explain: bool = False,
    revision: str | None = None,
    tokenizer: Path | str | None = None,
    columns: Sequence[str] = (),
    samples: int = 200,
    seed: int = 0,
    limits: TextLimits = NO_LIMITS,
    on_progress: Progress = silent,
) -> TextConversion:
    """Convert a Hugging Face encoder to a `.tflite` that holds its text contract.

    Args:
        source: folder or hub name of a checkpoint; `hf:` may stand before either.
        calibration: path of a file with sentences, or a list of them. Every fifth is kept to judge with.
        out: file to write, whole or not at all; None writes nothing.
        quantize: int (integers throughout, no TensorFlow needed), int8, dynamic, float32, or compare: all of them.
        length: tokens of every text, padding included.
        output: type of the answer of int; int16 is an option for embeddings.
        wide_rows: first tokens whose sums int holds in int16, `length` for all; None finds out how many need it.
        explain: measure int layer by layer, and once more without each rewrite, which takes minutes.
        revision: branch, tag or commit of a hub name.
        tokenizer: folder of the tokenizer; the checkpoint's if None.
        columns: of a table: the one that holds the sentences, or the two that hold pairs.
        samples: how many sentences to calibrate with, if there are so many.
        seed: for drawing them.
        limits: what the file must keep; what it does not is in `JudgedFile.unmet`.
        on_progress: is told the step, how much of it is done, and of how much.

    Raises:
        LitesmithError: something cannot be read or does not go together, before work starts; or the encoder cannot
            be converted so.
    """
    start = time.perf_counter()
    options = _Options(quantize, output, wide_rows, limits)
    _check_options(options, explain=explain)
    texts = Path(calibration) if isinstance(calibration, str | Path) else calibration
    opened = open_text_source(
        source,
        texts,
        length=length,
        revision=revision,
        tokenizer=None if tokenizer is None else Path(tokenizer),
        columns=columns,
        samples=samples,
        seed=seed,
    )
    if out is not None:
        refuse_overwriting(Path(out), opened.folders, texts if isinstance(texts, Path) else None)
    if output == "int16" and opened.model.head.kind != "embedding":
        raise ConversionError(_ONLY_EMBEDDINGS)
    done = _converted(opened, options, {"read": time.perf_counter() - start}, on_progress, explain=explain)
    return done if out is None else _written(done, Path(out))


def _converted(
    source: TextSource, options: _Options, seconds: dict[str, float], on_progress: Progress, *, explain: bool
) -> TextConversion:
    files, refused = _judged(source, options, on_progress, seconds)
    taken, why = _chosen(files, options)
    explained = None
    if explain:
        explained = explanation(source, files, on_progress, seconds, output=options.output, wide=options.wide_rows)
    return TextConversion(source, taken, files, refused, why, seconds, explained)


def _chosen(files: tuple[JudgedFile, ...], options: _Options) -> tuple[JudgedFile, str]:
    """The file to take, and why; of a single file, why not."""
    limited = options.limits.min_agreement is not None
    if options.quantize == "compare":
        return choose(files, limited=limited)
    return files[0], "" if limited else shortfall(files[0])


def _written(done: TextConversion, out: Path) -> TextConversion:
    """The same with the file that was taken at its place, and called so."""
    write_bytes(out, done.model.content)
    named = replace(done.taken, file=replace(done.taken.file, model=TFLiteModel(done.model.content, str(out))))
    return replace(done, taken=named, files=tuple(named if one is done.taken else one for one in done.files))


def _check_options(options: _Options, *, explain: bool) -> None:
    quantize, output = options.quantize, options.output
    if quantize not in (*MODES, "compare"):
        raise ConversionError(f"a text model cannot be {quantize}; choose {', '.join(MODES)} or compare")
    if output not in ("int8", "int16"):
        raise ConversionError(f"the answer of a text model cannot be {output}; choose int8 or int16")
    rewritten = quantize in ("int", "compare")
    if output == "int16" and not rewritten:
        raise ConversionError(_ONLY_EMBEDDINGS)
    if options.wide_rows is not None and not rewritten:
        raise ConversionError(f"--wide-rows is of --quantize int; {quantize} has no rows in int16")
    if explain and not rewritten:
        raise ConversionError(f"--explain measures the rewrites of --quantize int; {quantize} has none")


def _judged(
    source: TextSource, options: _Options, on_progress: Progress, seconds: dict[str, float]
) -> tuple[tuple[JudgedFile, ...], dict[str, str]]:
    """Every file that was asked for and can be made; a single one that cannot is an error."""
    converter = TextConverter(source, on_progress)
    # Where it costs little, weights that compute nothing are found before any work.
    expected = None if options.quantize == "int" else converter.expected(source.judged, through_keras=True)
    files: list[JudgedFile] = []
    refused: dict[str, str] = {}
    for mode in MODES if options.quantize == "compare" else (options.quantize,):
        try:
            file = converter.make(mode, options.output, options.wide_rows)
        except ConversionError as error:
            if options.quantize != "compare":
                raise
            refused[mode] = str(error)
            continue
        seconds[mode] = file.seconds
        start = time.perf_counter()
        if expected is None:
            expected = converter.expected(source.judged, through_keras=False)
        files.append(
            _judge(source, file, expected, options.limits, _step(on_progress, f"judge {mode}", len(source.judged)))
        )
        seconds["judge"] = seconds.get("judge", 0.0) + time.perf_counter() - start
    if not files:
        raise ConversionError("; ".join(f"{mode}: {reason}" for mode, reason in refused.items()))
    return tuple(files), refused


def _judge(
    source: TextSource, file: TextFile, expected: Any, limits: TextLimits, on_text: Callable[[int], None]
) -> JudgedFile:
    found, host_ms = answers(file.model, source.judged, on_text)
    found = found.reshape(expected.shape)  # logits of tokens come without the axis of texts
    valid = source.judged != source.model.pad_id
    agreement = compare_answers(source.model.head.kind, expected, found, valid)
    return JudgedFile(file, agreement, host_ms, limits.unmet(file.model, agreement, host_ms))


def _step(on_progress: Progress, name: str, total: int) -> Callable[[int], None]:
    return lambda done: on_progress(name, done, total)
