"""The `litesmith` command: parses arguments, runs one command, prints its answer, returns the exit code.

Results go to stdout; progress, warnings and errors go to stderr. With `--json`, stdout carries exactly one
JSON document, also when the command fails. Exit codes: 0 fine, 1 rules or budgets unmet, 2 bad input, 3 device.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence

from litesmith import __version__
from litesmith.commands.answer import Answer
from litesmith.errors import LitesmithError
from litesmith.files import json_text

COMMANDS = ("run", "convert", "inspect", "check", "bench", "bundle", "targets", "doctor")
INTERRUPTED = 130  # 128 + SIGINT, as shells report it


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    args = _parser().parse_args(arguments)
    try:
        answer: Answer = args.execute(args)
    except LitesmithError as error:
        return _fail(error, args.json, error.exit_code)
    except OSError as error:
        return _fail(error, args.json, LitesmithError.exit_code)
    except KeyboardInterrupt:
        print("litesmith: interrupted; nothing is half-written", file=sys.stderr)
        return INTERRUPTED
    _print(json_text(answer.document) if args.json else answer.text)
    return answer.exit_code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="litesmith",
        description="From a Keras or Hugging Face teacher to a verified, full-integer .tflite inside the app.",
        epilog="example: litesmith run recipes/digits.toml --out out/digits",
    )
    parser.add_argument("--version", action="version", version=f"litesmith {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name in COMMANDS:
        module = importlib.import_module(f"litesmith.commands.{name}")
        command = commands.add_parser(
            name,
            help=module.SUMMARY,
            description=module.SUMMARY,
            epilog=f"example: {module.EXAMPLE}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        command.add_argument("--json", action="store_true", help="one JSON document on stdout")
        command.set_defaults(execute=module.execute)
        module.add_arguments(command)
    return parser


def _fail(error: Exception, as_json: bool, exit_code: int) -> int:
    print(f"litesmith: error: {error}", file=sys.stderr)
    if as_json:
        _print(json_text({"error": {"type": type(error).__name__, "message": str(error)}}))
    return exit_code


def _print(text: str) -> None:
    try:
        print(text, flush=True)
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        sys.stderr.close()


if __name__ == "__main__":
    sys.exit(main())
