"""What `litesmith bench` answers with, and what it keeps."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from litesmith.commands.answer import Answer, printable
from litesmith.commands.bench_text import measurements_text
from litesmith.errors import DeviceError, LitesmithError, OutputError

if TYPE_CHECKING:
    from litesmith.bench_store import BenchStore
    from litesmith.targets.bench_session import Measurements
    from litesmith.targets.measurement import Measurement
    from litesmith.targets.parallel_sessions import Failure

UNMET = 1
INTERRUPTED = 130


def opened_store(args: argparse.Namespace) -> BenchStore | None:
    """Before anything is measured, because what cannot be stored then need not be measured."""
    if args.store is None:
        return None
    from litesmith.bench_store import BenchStore

    store = BenchStore(args.store)
    store.prepare()
    return store


def stored(store: BenchStore, items: Sequence[Measurement], answer: Answer) -> Answer:
    """What was measured is answered with, even where it can no longer be stored."""
    try:
        store.append(items)
    except OutputError as error:
        document = {**answer.document, "store": None}
        return Answer(document, f"{answer.text}\n\nnot stored: {error}", max(answer.exit_code, error.exit_code))
    return Answer({**answer.document, "store": str(store.path)}, answer.text, answer.exit_code)


def answer_of(
    items: Sequence[Measurement],
    failures: Sequence[Failure],
    sessions: Sequence[Measurements],
    unmet: tuple[str, ...],
    *,
    profile: bool,
) -> Answer:
    """All that was measured and all that failed; the worst of it decides the exit code."""
    interrupted = any(session.interrupted for session in sessions)
    codes = [_exit_code(item, item.error) for item in items if item.error is not None]
    codes += [failure.error.exit_code for failure in failures]
    document: dict[str, Any] = {
        "measurements": [item.to_dict() for item in items],
        "failed": [_failure(failure) for failure in failures],
        "unmet_budgets": list(unmet),
        "interrupted": interrupted,
        "store": None,
    }
    parts = [measurements_text(items, profile=profile)] if items else []
    parts += [f"failed: {failure.device}: {failure.error}" for failure in failures]
    parts += [f"budget: {line}" for line in unmet]
    parts += ["interrupted: these are the results so far"] if interrupted else []
    wrong = any(item.outputs is not None and item.outputs.wrong is not None for item in items)
    code = max(codes, default=UNMET if unmet or wrong else 0)
    return Answer(document, printable("\n\n".join(parts)), INTERRUPTED if interrupted else code)


def _exit_code(item: Measurement, error: LitesmithError) -> int:
    """On another device even a file that its runtime cannot run is the device's failure: it may run elsewhere."""
    return error.exit_code if item.device.kind == "host" else max(error.exit_code, DeviceError.exit_code)


def _failure(failure: Failure) -> dict[str, Any]:
    return {"device": failure.device, "error": {"type": type(failure.error).__name__, "message": str(failure.error)}}
