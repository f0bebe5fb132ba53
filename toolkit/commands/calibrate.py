"""`litesmith calibrate`: is a data set fit to calibrate a float `.tflite` with, and which ranges does it give?"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from litesmith.commands.answer import Answer, printable, table
from litesmith.commands.arguments import RANGE_METHODS, add_preprocess_arguments

if TYPE_CHECKING:
    from litesmith.calibration.audit_finding import AuditFinding
    from litesmith.calibration.collect import Collected
    from litesmith.calibration.ranges import Range
    from litesmith.calibration.sources import RawData
    from litesmith.converters.tflite_model import TFLiteModel

SUMMARY = "audit the samples that a float .tflite is calibrated with, or show the ranges that they give"
EXAMPLE = "litesmith calibrate audit model.tflite --calibration samples.npz --trained-on train.npz --test test.npz"

UNFIT = 1
TENSORS_SHOWN = 30
ITEMS_SHOWN = 6
NAME_LENGTH = 60


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `calibrate audit` and `calibrate ranges`."""
    actions = parser.add_subparsers(title="actions", dest="action", metavar="ACTION", required=True)
    audit = actions.add_parser("audit", help="find what is wrong with calibration data; exit code 1 for errors")
    _add_common(audit)
    audit.add_argument("--trained-on", metavar="DATA", help="what the model was trained on, as it saw it")
    audit.add_argument("--test", metavar="DATA", help="the test split, which must not be calibrated with")
    ranges = actions.add_parser("ranges", help="the range of every activation on the samples")
    _add_common(ranges)
    ranges.add_argument("--method", choices=RANGE_METHODS, default="minmax", help="how ranges are chosen (minmax)")
    ranges.add_argument("--out", type=Path, metavar="JSON", help="also write the ranges to this file")


def execute(args: argparse.Namespace) -> Answer:
    """Audit the data, or collect ranges.

    Raises:
        ModelError: the model cannot be read.
        DataError: data cannot be read.
        CalibrationError: the model has no float activation, or for ranges, cannot run on the data.
    """
    from litesmith.converters.tflite_model import TFLiteModel

    model = TFLiteModel.from_file(args.model)
    return _audit(args, model) if args.action == "audit" else _ranges(args, model)


def _add_common(parser: argparse.ArgumentParser) -> None:
    # The command itself has --json already; its default must not undo what was given there.
    parser.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="one JSON document on stdout")
    parser.add_argument("model", type=Path, metavar="MODEL.tflite", help="the float model")
    parser.add_argument(
        "--calibration",
        required=True,
        metavar="DATA",
        help=".npz, .tsv, .csv, folder of images, or package.module:function",
    )
    add_preprocess_arguments(parser)


def _audit(args: argparse.Namespace, model: TFLiteModel) -> Answer:
    from litesmith.calibration.audit import audit
    from litesmith.commands.calibration_data import audited_model, read_reference, read_samples, sample_shape

    subject = audited_model(model)
    shape = sample_shape(model)
    data = read_samples(args, shape, args.calibration)
    trained_on = None if args.trained_on is None else read_reference(args, shape, args.trained_on)
    test = None if args.test is None else read_samples(args, shape, args.test)
    findings = audit(subject, data, trained_on=trained_on, test=test)
    unfit = any(finding.severity == "error" for finding in findings)
    unchecked = _unchecked(args, data)
    samples = max(map(len, data.inputs.values()))
    document = {
        "model": model.source,
        "sha256": model.sha256,
        "calibration": {"source": data.source, "samples": samples},
        "fit": not unfit,
        "findings": [finding.to_dict() for finding in findings],
        "not_checked": unchecked,
    }
    heading = f"{model.source} with {samples} samples of {data.source}: {_counts(findings)}"
    parts = [heading, *map(_render, findings), *([f"not checked: {'; '.join(unchecked)}"] if unchecked else [])]
    return Answer(document, printable("\n\n".join(parts)), UNFIT if unfit else 0)


def _unchecked(args: argparse.Namespace, data: RawData) -> list[str]:
    missing = {
        "what the model was trained on (--trained-on)": args.trained_on is None,
        "overlap with the test split (--test)": args.test is None,
        "classes (no labels)": data.labels is None,
    }
    return [words for words, is_missing in missing.items() if is_missing]


def _counts(findings: Iterable[AuditFinding]) -> str:
    severities = [finding.severity for finding in findings]
    if not severities:
        return "nothing wrong was found"
    counts = {one: severities.count(one) for one in severities}
    return ", ".join(f"{count} {one}{'s' if count > 1 and one != 'info' else ''}" for one, count in counts.items())


def _render(finding: AuditFinding) -> str:
    lines = [f"{finding.severity}: {finding.check}", finding.message, f"evidence: {_plain(finding.evidence)}"]
    return "\n  ".join([*lines, f"fix: {finding.fix}"])


def _plain(value: Any) -> str:
    """Evidence on one line; `--json` has it in full."""
    if isinstance(value, Mapping):
        return ", ".join(
            f"{key} ({_plain(item)})" if isinstance(item, Mapping) else f"{key} {_plain(item)}"
            for key, item in value.items()
        )
    if isinstance(value, list | tuple):
        more = ", ..." if len(value) > ITEMS_SHOWN else ""
        separator = "; " if value and isinstance(value[0], Mapping) else ", "
        return f"[{separator.join(map(_plain, value[:ITEMS_SHOWN]))}{more}]"
    return f"{value:.4g}" if isinstance(value, float) else _shortened(str(value))


def _shortened(text: str) -> str:
    return text if len(text) <= NAME_LENGTH else f"{text[: NAME_LENGTH - 3]}..."


def _ranges(args: argparse.Namespace, model: TFLiteModel) -> Answer:
    from litesmith.calibration.collect import collect
    from litesmith.calibration.ranges import make_observer, range_of
    from litesmith.calibration.samples import CalibrationSet
    from litesmith.commands.calibration_data import read_samples, sample_shape
    from litesmith.files import json_text, write_text

    samples = CalibrationSet(read_samples(args, sample_shape(model), args.calibration).inputs, source=args.calibration)
    collected = collect(model.content, samples, lambda index, shape: make_observer(args.method))
    ranges = {index: range_of(observer, args.method) for index, observer in collected.observers.items()}
    document = {
        "model": model.source,
        "sha256": model.sha256,
        "calibration": {"source": samples.source, "samples": len(samples), "digest": samples.digest},
        "method": args.method,
        "collected": {"method": collected.method, "batch": collected.batch, "note": collected.note},
        "tensors": [
            {"index": index, "name": model.main.tensors[index].name, "low": one.low, "high": one.high}
            for index, one in ranges.items()
        ],
    }
    if args.out is not None:
        write_text(args.out, json_text(document))
    return Answer(document, printable(_ranges_text(model, args, ranges, collected)))


def _ranges_text(
    model: TFLiteModel, args: argparse.Namespace, ranges: Mapping[int, Range], collected: Collected
) -> str:
    widest = sorted(ranges, key=lambda index: ranges[index].low - ranges[index].high)[:TENSORS_SHOWN]
    rows = [
        (
            str(index),
            _shortened(model.main.tensors[index].name),
            f"{ranges[index].low:.6g}",
            f"{ranges[index].high:.6g}",
        )
        for index in widest
    ]
    heading = f"{model.source}: {args.method} ranges of {len(ranges)} activations on {collected.samples} samples"
    parts = [heading, table(("index", "tensor", "low", "high"), rows)]
    if len(ranges) > len(widest):
        parts.append(f"and {len(ranges) - len(widest)} narrower ones; --json and --out have all of them")
    parts.append(f"note: {collected.note}" if collected.note else f"run {collected.batch} samples at a time")
    return "\n\n".join([*parts, *([f"written to {args.out}"] if args.out is not None else [])])
