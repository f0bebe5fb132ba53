"""Android's tools for which this machine's own would not do; runs as a command of the phone's shell.

It is copied into the phone with an interpreter line before it, and is called by the name of the tool.
"""

# ruff: noqa: T201 (a program of the phone: printing is what it is for)

import contextlib
import json
import os
import signal
import sys
from pathlib import Path

ROOT = Path(os.environ["PHONE_ROOT"])


def state(name):
    return json.loads((ROOT / ".phone" / f"{name}.json").read_text())


def identity(arguments):
    print("uid=2000(shell) gid=2000(shell) groups=2000(shell),1004(input),1011(adb) context=u:r:shell:s0")


def uname(arguments):
    words = {"-s": "Linux", "-m": "aarch64", "-r": "5.10.157-android13-4", "-n": "localhost"}
    print(words.get(arguments[0] if arguments else "-s", "Linux localhost 5.10.157-android13-4 aarch64 Toybox"))


def whoami(arguments):
    print("shell")


def dumpsys(arguments):
    if arguments[:1] != ["battery"]:
        sys.exit(f"Can't find service: {' '.join(arguments)}")
    battery = state("battery")
    powered = "true" if battery["charging"] else "false"
    print("Current Battery Service state:")
    print(f"  AC powered: false\n  USB powered: {powered}\n  Wireless powered: false\n  Max charging current: 500000")
    print(f"  status: {2 if battery['charging'] else 3}\n  health: 2\n  present: true")
    print(f"  level: {battery['percent']}\n  scale: 100\n  voltage: 4123\n  temperature: 312\n  technology: Li-ion")


def df(arguments):
    unit = 1024
    total, free = 112 * 1024**3 // unit, state("free")["free_bytes"] // unit
    used = max(total - free, 0)
    print("Filesystem       1K-blocks     Used Available Use% Mounted on")
    print(f"/dev/block/dm-8  {total:>9} {used:>8} {free:>9} {100 * used // total:>3}% /data")


def cores():
    return len(list(ROOT.glob("sys/devices/system/cpu/cpu[0-9]*")))


def nproc(arguments):
    print(cores())


def taskset(arguments):
    """`taskset MASK COMMAND...`: the mask is checked against the phone's cores; this machine's are not pinned."""
    try:
        mask = int(arguments[0], 16)
    except (IndexError, ValueError):
        sys.exit("taskset: bad mask")
    if not mask & ((1 << cores()) - 1):
        sys.exit(f"taskset: sched_setaffinity: Invalid argument: mask {arguments[0]}")
    os.environ["PHONE_AFFINITY"] = arguments[0]
    try:
        os.execvp(arguments[1], arguments[1:])
    except (IndexError, OSError) as error:
        sys.stderr.write(f"taskset: exec {' '.join(arguments[1:2])}: {error}\n")
        sys.exit(127)


def processes():
    """Number and command line of each process of this phone, none of any other."""
    mark = b"PHONE_ROOT=" + os.fsencode(ROOT)
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            ours = mark in (folder / "environ").read_bytes().split(b"\0")
            line = [os.fsdecode(word) for word in (folder / "cmdline").read_bytes().split(b"\0")[:-1]]
        except OSError:
            continue  # ended meanwhile, or of another user
        if ours and line and int(folder.name) != os.getpid():
            yield int(folder.name), line


def ps(arguments):
    print("PID NAME")
    for number, line in processes():
        print(number, " ".join(line))


def named(name):
    return [number for number, line in processes() if any(Path(word).name == name for word in line[:3])]


def pidof(arguments):
    found = named(arguments[-1])
    if not found:
        sys.exit(1)
    print(*found)


def pkill(arguments):
    options = [word for word in arguments if word.startswith("-")]
    text = arguments[-1]
    found = [
        number
        for number, line in processes()
        if text in (" ".join(line) if "-f" in options else Path(line[0]).name) or number in named(text)
    ]
    for number in found:
        with contextlib.suppress(ProcessLookupError):  # it has ended meanwhile
            os.kill(number, signal.SIGKILL if "-9" in options or "-KILL" in options else signal.SIGTERM)
    sys.exit(0 if found else 1)


def free(arguments):
    print("\t\ttotal        used        free      shared     buffers\nMem:       7999841    7475200      524641  0  0")


TOOLS = {"id": identity} | {
    tool.__name__: tool for tool in (whoami, uname, dumpsys, df, nproc, taskset, ps, pidof, pkill, free)
}

if __name__ == "__main__":
    TOOLS[Path(sys.argv[0]).name](sys.argv[1:])
