"""`litesmith bundle`: checks a bundle and puts it into an Android app."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from litesmith.commands.answer import Answer
from litesmith.errors import ModelError, OutputError

if TYPE_CHECKING:
    from litesmith.bundle import Bundle
    from litesmith.golden import GoldenResult
    from litesmith.kotlin_runtime import RuntimePin

SUMMARY = "check a bundle, run its golden vectors again, and put it into an Android app"
EXAMPLE = "litesmith bundle out/digits --android android_demo"
ASSETS = Path("app/src/main/assets/litesmith")


@dataclass(frozen=True, slots=True)
class _Installed:
    """What was put into an app: the assets' folder, the name of the bundle that was there, files beside the assets."""

    folder: Path
    replaced: str | None
    generated: tuple[str, ...]
    runtimes: tuple[RuntimePin, ...]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.add_argument(
        "folder",
        type=Path,
        metavar="DIR",
        help="a run's folder, a bundle, or the .tflite of a text model to make one of",
    )
    parser.add_argument(
        "--sentences",
        type=Path,
        metavar="FILE",
        help="for a .tflite: sentences like those of the app, one a line or a column of a table, as golden vectors",
    )
    parser.add_argument(
        "--column",
        action="append",
        default=[],
        metavar="NAME",
        help="of a table of sentences; given twice, they are pairs of question and passage",
    )
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="for a .tflite: where the bundle is made")
    parser.add_argument(
        "--android",
        type=Path,
        metavar="APP",
        help=f"the app's project; the bundle goes to {ASSETS} in it, its Kotlin class and test vectors beside that",
    )


def execute(args: argparse.Namespace) -> Answer:
    """Check, and copy what was checked; exit code 1 if this runtime computes something else.

    Raises:
        DataError: a file is given without sentences, or holds no text contract.
        ModelError: there is no bundle, or one with options for a file, a file of it was changed or contradicts another,
            the model cannot be run, or the app cannot use it.
        OutputError: the app's folder does not exist, is no app's, or cannot be written, or a file is given without
            `--out`.
    """
    from litesmith.bundle import read_bundle
    from litesmith.bundle_facts import bundle_facts
    from litesmith.commands.bundle_of_file import make_of_file
    from litesmith.golden import verify_golden

    _check_places(args)
    folder, before = make_of_file(args) if args.folder.is_file() else (args.folder, None)
    bundle = read_bundle(folder)
    bundle_facts(bundle)
    golden = verify_golden(bundle.folder)
    installed = _install(bundle, args.android) if args.android is not None and golden.ok else None
    document, text = _document(bundle, golden, before, installed), _text(bundle, golden, before, installed)
    return Answer(document, text, 0 if golden.ok else 1)


def _check_places(args: argparse.Namespace) -> None:
    """What can be said of folders and options before a model is looked at."""
    from litesmith.bundle_folder import check_replaceable
    from litesmith.kotlin_app import check_project

    if not args.folder.exists():
        raise ModelError("does not exist; check the path", file=args.folder)
    if args.folder.is_dir() and (args.sentences or args.column or args.out):
        raise ModelError(
            "is a folder; --sentences, --column and --out make a bundle of a .tflite: give that file, or leave them "
            "out",
            file=args.folder,
        )
    if args.android is None:
        return
    if not args.android.is_dir():
        raise OutputError(f"{args.android}: is no folder; give the folder of the app's project")
    check_project(args.android)
    check_replaceable(args.android / ASSETS)


def _install(bundle: Bundle, app: Path) -> _Installed:
    from litesmith.bundle_folder import name_in
    from litesmith.kotlin_app import app_files, install

    files = app_files(bundle, app)  # first: a bundle that the app cannot use changes nothing
    folder = app / ASSETS
    replaced = name_in(folder)
    install(bundle, app, ASSETS, files.contents)
    return _Installed(folder, replaced, tuple(str(app / path) for path in files.contents), files.runtimes)


def _document(bundle: Bundle, golden: GoldenResult, before: str | None, installed: _Installed | None) -> dict[str, Any]:
    return {
        "ok": golden.ok,
        "bundle": str(bundle.folder),
        "name": bundle.manifest["name"],
        "oldest_runtime": bundle.manifest["oldest_runtime"],
        "files": bundle.manifest["files"],
        "bundle_replaced": before,
        "golden": golden.to_dict(),
        "installed": None if installed is None else str(installed.folder),
        "replaced": None if installed is None else installed.replaced,
        "generated": () if installed is None else installed.generated,
        "app_runtimes": () if installed is None else tuple(map(str, installed.runtimes)),
    }


def _text(bundle: Bundle, golden: GoldenResult, before: str | None, installed: _Installed | None) -> str:
    total = sum(len(content) for content in bundle.contents.values())
    classes = "" if golden.wrong_class is None else f"; {len(golden.wrong_class)} give another class"
    named = before not in (None, bundle.manifest["name"])
    lines = [
        f"bundle: {bundle.folder}",
        *([f"replaced: {before}, whose bundle was there"] if named else []),
        f"files: all {len(bundle.manifest['files'])} are those of the manifest, {total:,} bytes",
        f"golden: {golden.vectors} vectors on {golden.runtime} {golden.runtime_version} ({golden.delegate}): "
        f"{golden.different} of {golden.values} values differ, by at most {golden.max_steps:.3g} {golden.unit} "
        f"({golden.tolerance_steps} allowed){classes}",
    ]
    if not golden.ok:
        lines.append("unmet: this runtime computes something else than the one that made the bundle; not installed")
    return "\n".join(lines if installed is None else [*lines, *_installed_lines(bundle, installed)])


def _installed_lines(bundle: Bundle, installed: _Installed) -> list[str]:
    name, needed = bundle.manifest["name"], bundle.manifest["oldest_runtime"]
    lines = [f"installed: {installed.folder}"]
    if installed.replaced not in (None, name):
        lines.append(f"replaced: {installed.replaced}, which was there; an app of this kind holds one model")
    lines += [f"generated: {path}" for path in installed.generated]
    names = ", ".join(map(str, installed.runtimes))
    unknown = "not checked, the app names no TFLite or LiteRT in gradle/libs.versions.toml or app/build.gradle"
    return [*lines, f"runtime: {needed} or newer; {f'the app has {names}' if names else unknown}"]
