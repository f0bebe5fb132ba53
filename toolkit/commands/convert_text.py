"""`litesmith convert hf:FOLDER`: its arguments, and what it answers with."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from litesmith.commands.acceptance import required_lines
from litesmith.commands.answer import Answer, printable, table
from litesmith.errors import CalibrationError, ConversionError

if TYPE_CHECKING:
    from litesmith.convert_text_measure import JudgedFile
    from litesmith.convert_text_model import TextConversion

SCHEME = "hf:"
_TEXT_OPTIONS = ("length", "revision", "tokenizer", "column", "wide_rows")
_TEXT_MODES = ("int", "compare")
# What speaks of a text model as of any other.
_SHARED = (
    *("model", "out", "json", "execute", "quantize", "io", "calibration", "samples", "seed"),
    *("min_agreement", "min_snr", "max_bytes", "max_host_ms", "require", "explain"),
)
_DEFAULT_LENGTH, _DEFAULT_SAMPLES = 64, 200
_HEADER = ("quantize", "agreement", "5th percentile", "SNR dB", "bytes", "host ms", "seconds", "")


def add_text_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments that only text models have."""
    group = parser.add_argument_group(
        "text models",
        "hf:FOLDER, hf:HUB/NAME[@REVISION] or hf:package:NAME/FOLDER; a folder with config.json needs no hf:",
    )
    group.add_argument(
        "--length", type=int, metavar="N", help=f"tokens of a text, padding included ({_DEFAULT_LENGTH})"
    )
    group.add_argument("--revision", metavar="R", help="branch, tag or commit of a name on the hub (main)")
    group.add_argument("--tokenizer", type=Path, metavar="FOLDER", help="folder of the tokenizer (the checkpoint's)")
    group.add_argument(
        "--column",
        action="append",
        default=[],
        metavar="NAME",
        help="of a .tsv or .csv of sentences; given twice, texts are pairs",
    )
    group.add_argument(
        "--wide-rows", type=int, metavar="N", help="first tokens whose sums are int16, the others int8 (observed)"
    )


def is_text(model: Path) -> bool:
    """Whether a source is a Hugging Face checkpoint: it says so, or is a folder with config.json."""
    return str(model).startswith(SCHEME) or (model / "config.json").is_file()


def refuse_text_options(args: argparse.Namespace) -> None:
    """What only text models have must not look as if it were followed.

    Raises:
        ConversionError: a text option was given with another model.
    """
    given = [f"--{name.replace('_', '-')}" for name in _TEXT_OPTIONS if getattr(args, name) not in (None, [])]
    given += [f"--quantize {args.quantize}"] * (args.quantize in _TEXT_MODES)
    if given:
        raise ConversionError(
            f"{', '.join(given)}: of text models only, and {args.model} is none; a text model is a folder with "
            "config.json, or hf: before a folder or a name on the hub"
        )


def convert_text_model(args: argparse.Namespace, add_arguments: Callable[[argparse.ArgumentParser], None]) -> Answer:
    """Convert, prove, measure, write; exit code 1 if a limit is unmet.

    Args:
        args: of the command.
        add_arguments: which declares them all.
    """
    _refuse_other_options(args, add_arguments)
    if args.calibration is None:
        raise CalibrationError(
            "a text model needs sentences to calibrate and to judge with; pass --calibration sentences.txt, one a line"
        )
    from litesmith.convert_text_measure import TextLimits
    from litesmith.convert_text_model import convert_text
    from litesmith.recipe_paths import model_source

    quantize: Any = args.quantize or "int"
    if args.io and quantize in ("dynamic", "float32"):
        raise ConversionError(f"--io {args.io}: the answer of --quantize {quantize} is float32; leave it out")
    limits = TextLimits(args.min_agreement, args.min_snr, args.max_bytes, args.max_host_ms, tuple(args.require))
    with _Progress() as progress:
        done = convert_text(
            model_source(str(args.model), base=Path(), key="MODEL"),
            args.calibration,
            out=args.out,
            quantize=quantize,
            length=_DEFAULT_LENGTH if args.length is None else args.length,
            output=args.io or "int8",
            wide_rows=args.wide_rows,
            explain=args.explain,
            revision=args.revision,
            tokenizer=args.tokenizer,
            columns=tuple(args.column),
            samples=_DEFAULT_SAMPLES if args.samples is None else args.samples,
            seed=args.seed,
            limits=limits,
            on_progress=progress,
        )
    return _answer(args, done)


def _refuse_other_options(args: argparse.Namespace, add_arguments: Callable[[argparse.ArgumentParser], None]) -> None:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    usual = vars(parser.parse_args([str(args.model), "--out", str(args.out)]))
    others = [name for name in usual if name not in (*_SHARED, *_TEXT_OPTIONS)]
    given = [f"--{name.replace('_', '-')}" for name in others if getattr(args, name) != usual[name]]
    if args.quantize in ("float16", "int16x8"):
        given.append(f"--quantize {args.quantize}")
    if given:
        raise ConversionError(
            f"{', '.join(given)}: not of text models; they are converted with --quantize int, int8, dynamic, float32 "
            "or compare"
        )


def _answer(args: argparse.Namespace, done: TextConversion) -> Answer:
    from litesmith.commands.inspect import describe, render

    document = {
        "out": str(args.out),
        **describe(done.model),
        "route": done.taken.file.route,
        "applied": list(done.taken.file.applied),
        "seconds": {step: round(seconds, 2) for step, seconds in done.seconds.items()},
        "agreement": done.taken.agreement.to_dict(),
        "origin": done.source.origin,
        "files": [{**one.to_dict(), "taken": one is done.taken} for one in done.files],
        "refused": done.refused,
        "why": done.why,
        "report": None if done.report is None else done.report.to_dict(),
        "conditions": _conditions(),
        "unmet": list(done.taken.unmet),
        "calibration": {"source": args.calibration, "samples": len(done.source.calibration)},
        "evaluation": {"source": args.calibration, "samples": len(done.source.judged)},
    }
    steps = ", ".join(f"{step} {seconds:.1f} s" for step, seconds in done.seconds.items())
    lines = [render(done.model), f"made by   {done.taken.file.route} ({steps})"]
    lines += [f"made of   hf:{done.source.origin}"] * (done.source.origin is not None)
    lines += ["", *_judged_lines(done, document), *required_lines(done.model, args.require)]
    lines += [f"unmet: {text}" for text in done.taken.unmet]
    return Answer(document, printable("\n".join(lines)), 1 if done.taken.unmet else 0)


def _judged_lines(done: TextConversion, document: dict[str, Any]) -> list[str]:
    counts = f"{len(done.source.judged)} sentences that it was not calibrated with"
    where = document["conditions"]
    return [
        f"against the float network on {counts}",
        f"(ms on this host, {where['runtime']}, one thread, load {where['load_average']:.1f}):",
        table(_HEADER, [_row(one, taken=one is done.taken) for one in done.files]),
        *(f"{mode}: no file, {reason}" for mode, reason in done.refused.items()),
        *([done.why] if done.why else []),
        *(["", "layer by layer, and without each rewrite:", done.report.to_text()] if done.report else []),
    ]


def _row(one: JudgedFile, *, taken: bool) -> tuple[str, ...]:
    agreement = one.agreement
    share = f"{agreement.cosine_mean:.4f}" if agreement.same is None else f"{100 * agreement.same:.2f}%"
    p5 = "-" if agreement.cosine_p5 is None else f"{agreement.cosine_p5:.4f}"
    size = f"{len(one.file.model.content):,}"
    notes = "; ".join([*(["taken"] * taken), *one.unmet])
    figures = (share, p5, f"{agreement.snr_db:.1f}", size, f"{one.host_ms:.2f}", f"{one.file.seconds:.1f}")
    return (one.file.mode, *figures, notes)


def _conditions() -> dict[str, Any]:
    """Where latencies were measured."""
    from litesmith.targets.devices.host_state import cpu_model, host_state
    from litesmith.targets.runtimes import default

    load = host_state().load_average
    return {"device": "host", "cpu": cpu_model(), "runtime": str(default()), "threads": 1, "load_average": load}


class _Progress:
    """A bar on stderr for each step, where that is a terminal."""

    def __init__(self) -> None:
        self._bar: Any = None
        self._step = ""

    def __enter__(self) -> _Progress:
        return self

    def __exit__(self, *error: object) -> None:
        self._close()

    def __call__(self, step: str, done: int, total: int) -> None:
        from tqdm import tqdm

        if step != self._step:
            self._close()
            self._step = step
            self._bar = tqdm(total=total, desc=f"{step:>14}", file=sys.stderr, leave=False, disable=None)
        self._bar.update(done - self._bar.n)

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.close()
