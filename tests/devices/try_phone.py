"""Phones to try things with by hand: `python -m tests.devices.try_phone --fault old_shell`, ended with Ctrl-C.

Starts phones and an adb server of its own, and prints what to set so that adb and Litesmith find them. The runner is
LiteRT on this machine, so no latency is a phone's.
"""

# ruff: noqa: T201 (a program for people)

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import signal
import tempfile
from pathlib import Path
from types import FrameType

from tests.devices.app import AppNotBuiltError
from tests.devices.faults import Faults
from tests.devices.fixtures import ConnectedPhone, make_runner, private_server, start_phone


def main() -> None:
    """Run until Ctrl-C."""
    arguments = _parser().parse_args()
    signal.signal(signal.SIGTERM, _interrupt)
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="phone")))
        server = stack.enter_context(private_server())
        phones = []
        for number in range(arguments.phones):
            root = folder / f"phone{number}"
            root.mkdir()
            phones.append(stack.enter_context(start_phone(server, root, faults=_faults(arguments.fault))))
            phones[-1].phone.runner_format = arguments.runner_format
            phones[-1].phone.delegates = dict(setting.split("=") for setting in arguments.delegate)
            app = _install_app(phones[-1])
            phones[-1].connect()
        runner = make_runner(folder / "benchmark_model")
        _explain(server.port, phones, runner, app)
        with contextlib.suppress(KeyboardInterrupt):
            signal.pause()


def _install_app(phone: ConnectedPhone) -> str:
    """What `--runner app` does there."""
    try:
        phone.install_app()
    except AppNotBuiltError as error:
        return f"no --runner app: {error}"
    return f"litesmith bench MODEL --on adb:{phone.serial} --runner app"


def _explain(port: int, phones: list[ConnectedPhone], runner: Path, app: str) -> None:
    print(f"export ANDROID_ADB_SERVER_PORT={port}")
    for phone in phones:
        print(f"# serial {phone.serial}, its / is {phone.root}")
    print(f"export LITESMITH_RUNNER={runner}")
    print(f"# litesmith bench MODEL --on adb:{phones[0].serial}")
    print(f"# {app}")
    print("# Ctrl-C ends the phones and the server", flush=True)


def _faults(settings: list[str]) -> Faults:
    """`name` for a switch, `name=value` for the rest; values are read as the field's type says."""
    values: dict[str, object] = {}
    known = {field.name: str(field.type) for field in dataclasses.fields(Faults)}
    for setting in settings:
        name, equals, text = setting.partition("=")
        if name not in known:
            raise SystemExit(f"no fault {name!r}; there are {', '.join(known)}")
        kind = known[name]
        if kind == "bool":
            values[name] = text not in ("0", "false")
        elif not equals:
            raise SystemExit(f"{name} needs a value: --fault {name}=...")
        elif kind.startswith("tuple"):
            values[name] = tuple(text.split(","))
        else:
            values[name] = int(text) if kind.startswith("int") else float(text) if kind.startswith("float") else text
    return Faults(**values)  # type: ignore[arg-type]


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _parser() -> argparse.ArgumentParser:
    names = ", ".join(field.name for field in dataclasses.fields(Faults))
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--phones", type=int, default=1, metavar="N", help="how many, all of one model")
    parser.add_argument("--fault", action="append", default=[], metavar="NAME[=VALUE]", help=f"one of {names}")
    parser.add_argument("--runner-format", choices=["new", "old"], default="new", help="how the runner prints")
    states = "absent, refused, partial, full, fails"
    parser.add_argument(
        "--delegate", action="append", default=[], metavar="NAME=STATE", help=f"nnapi or gpu, and one of {states}"
    )
    return parser


if __name__ == "__main__":
    main()
