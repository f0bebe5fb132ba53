"""`litesmith bundle`: checks a bundle and puts it into an Android app."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from litesmith.commands.answer import Answer
from litesmith.errors import OutputError

if TYPE_CHECKING:
    from litesmith.bundle import Bundle
    from litesmith.golden import GoldenResult

SUMMARY = "check a bundle, run its golden vectors again, and put it into an Android app"
EXAMPLE = "litesmith bundle out/digits --android android_demo"
ASSETS = Path("app/src/main/assets/litesmith")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.add_argument("folder", type=Path, metavar="DIR", help="a run's folder, or a bundle")
    parser.add_argument(
        "--android",
        type=Path,
        metavar="APP",
        help=f"the app's project; the bundle goes to {ASSETS} in it, its Kotlin class and test vectors beside that",
    )


def execute(args: argparse.Namespace) -> Answer:
    """Check, and copy what was checked; exit code 1 if this runtime computes something else.

    Raises:
        ModelError: there is no bundle, a file of it was changed, the model cannot be run, or the app cannot use it.
        OutputError: the app's folder does not exist or cannot be written.
    """
    from litesmith.bundle import read_bundle, replace_folder
    from litesmith.golden import verify_golden
    from litesmith.kotlin_app import app_files, write_app_files

    if args.android is not None and not args.android.is_dir():
        raise OutputError(f"{args.android}: is no folder; give the folder of the app's project")
    bundle = read_bundle(args.folder)
    golden = verify_golden(bundle.folder)
    installed: Path | None = None
    written: tuple[str, ...] = ()
    if args.android is not None and golden.ok:
        generated = app_files(bundle, args.android)  # first: a bundle that the app cannot use changes nothing
        installed = Path(args.android, ASSETS)
        replace_folder(installed, bundle.contents)
        write_app_files(args.android, generated)
        written = tuple(str(args.android / path) for path in generated)
    text = "\n".join([_text(bundle, golden, installed), *(f"generated: {path}" for path in written)])
    return Answer({**_document(bundle, golden, installed), "generated": written}, text, 0 if golden.ok else 1)


def _document(bundle: Bundle, golden: GoldenResult, installed: Path | None) -> dict[str, Any]:
    return {
        "ok": golden.ok,
        "bundle": str(bundle.folder),
        "name": bundle.manifest["name"],
        "files": bundle.manifest["files"],
        "golden": golden.to_dict(),
        "installed": None if installed is None else str(installed),
    }


def _text(bundle: Bundle, golden: GoldenResult, installed: Path | None) -> str:
    total = sum(len(content) for content in bundle.contents.values())
    lines = [
        f"bundle: {bundle.folder}",
        f"files: all {len(bundle.manifest['files'])} are those of the manifest, {total:,} bytes",
        f"golden: {golden.vectors} vectors on {golden.runtime} {golden.runtime_version} ({golden.delegate}): "
        f"{golden.different} of {golden.values} values differ, by at most {golden.max_steps:.3g} {golden.unit} "
        f"({golden.tolerance_steps} allowed); {len(golden.wrong_class)} give another class",
    ]
    if not golden.ok:
        lines.append("unmet: this runtime computes something else than the one that made the bundle; not installed")
    if installed is not None:
        lines.append(f"installed: {installed}")
    return "\n".join(lines)
