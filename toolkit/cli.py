"""The `litesmith` command: parses arguments, runs one command, prints its answer, returns the exit code.

Results go to stdout; progress, warnings and errors go to stderr. With `--json`, stdout carries exactly one
JSON document, also when the command fails. Exit codes: 0 fine, 1 rules or budgets unmet, 2 bad input, 3 device.
"""

from __future__ import annotations

import argparse
import importlib
import io
import json
import sys
from collections.abc import Sequence
from typing import NoReturn

from litesmith import __version__
from litesmith.commands.answer import Answer
from litesmith.errors import LitesmithError

COMMANDS = ("run", "convert", "inspect", "check", "calibrate", "bench", "verify", "bundle", "targets", "doctor")
INTERRUPTED = 130  # 128 + SIGINT, as shells report it
UNWRITABLE = LitesmithError.exit_code


class UsageError(LitesmithError):
    """Arguments that the command does not understand."""


class _Parser(argparse.ArgumentParser):
    """Raises instead of exiting, so that `--json` gets its document for usage errors too."""

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        raise UsageError(f"{message}; see {self.prog} --help")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    as_json = "--json" in arguments
    try:
        args = _parser().parse_args(arguments)
        answer: Answer = args.execute(args)
    except (LitesmithError, OSError, MemoryError) as error:
        return _fail(error, as_json)
    except KeyboardInterrupt:
        print("litesmith: interrupted; nothing is half-written", file=sys.stderr)
        return INTERRUPTED
    return answer.exit_code if _print(_json(answer.document) if as_json else answer.text) else UNWRITABLE


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
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


def _fail(error: Exception, as_json: bool) -> int:
    message = str(error)
    if isinstance(error, MemoryError):
        message = f"not enough memory ({message or 'no size given'}); use smaller images, models or fewer samples"
    print(f"litesmith: error: {_printable(message, sys.stderr)}", file=sys.stderr)
    if as_json:
        _print(_json({"error": {"type": type(error).__name__, "message": message}}))
    return error.exit_code if isinstance(error, LitesmithError) else LitesmithError.exit_code


def _json(document: object) -> str:
    # Only ASCII: a terminal or pipe of any encoding takes it, and it stays valid JSON.
    return json.dumps(document, indent=2, allow_nan=False)


def _print(text: str) -> bool:
    """Whether stdout took it. A reader that has seen enough, such as `head`, is no failure."""
    try:
        print(_printable(text, sys.stdout), flush=True)
    except BrokenPipeError:
        sys.stderr.close()
    except OSError as error:
        print(f"litesmith: error: the answer cannot be written ({error.strerror})", file=sys.stderr)
        sys.stdout = io.StringIO()  # the interpreter flushes stdout once more when it exits
        return False
    return True


def _printable(text: str, stream: object) -> str:
    encoding = getattr(stream, "encoding", None) or "utf-8"
    return text.encode(encoding, errors="backslashreplace").decode(encoding)


if __name__ == "__main__":
    sys.exit(main())
