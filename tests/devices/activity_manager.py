"""Android's `pm`, `am` and `logcat`, as far as one app needs them; runs as a command of the phone's shell.

`.phone/app.json` has the package that is installed and what starts its process. The process is a real one, named as
its package; what goes wrong with it is in APP_FAULT. The forms of what is printed are those of Android 14.
"""

# ruff: noqa: T201 (a program of the phone: printing is what it is for)

import contextlib
import datetime
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(os.environ["PHONE_ROOT"])
FAULT = os.environ.get("APP_FAULT", "")
STATE = ROOT / ".phone" / "app.json"
CRASHES = ROOT / ".phone" / "crashes"
JAVA_CRASH = """\
E AndroidRuntime: FATAL EXCEPTION: pool-2-thread-1
E AndroidRuntime: Process: {package}, PID: 4321
E AndroidRuntime: java.lang.IllegalStateException: out of luck
E AndroidRuntime: \tat dev.litesmith.demo.Work.start$lambda$0(Work.kt:12)
"""
NATIVE_CRASH = """\
F DEBUG   : *** *** *** *** *** *** *** *** *** *** *** *** *** *** *** ***
F DEBUG   : pid: 4321, tid: 4330, name: pool-2-thread-1  >>> {package} <<<
F DEBUG   : signal 11 (SIGSEGV), code 1 (SEGV_MAPERR), fault addr 0x0000000000000000
"""


def installed():
    """Package and command of the app, or None."""
    return None if FAULT == "missing" or not STATE.exists() else json.loads(STATE.read_text())


def pm(arguments):
    app = installed()
    if app is None or arguments != ["path", app["package"]]:
        sys.exit(1)
    print(f"package:/data/app/~~Zm9v/{app['package']}-YmFy/base.apk")


def am(arguments):
    {"start": start, "force-stop": force_stop}[arguments[0]](arguments[1:])


def start(arguments):
    """`start -W -n PACKAGE/.ACTIVITY`, then three words for each extra."""
    component, extras = arguments[2], arguments[3:]
    package = component.partition("/")[0]
    print(f"Starting: Intent {{ cmp={component} (has extras) }}")
    app = installed()
    if app is None or app["package"] != package or FAULT == "vanished":
        print(f"Error type 3\nError: Activity class {{{component}}} does not exist.")
        sys.exit(1)
    if processes(package):  # Android hands the intent to the process that runs; this app takes only its first
        print("Warning: Activity not started, intent has been delivered to currently running top-most instance.")
    else:
        begin(app, extras)
    print(f"Status: ok\nLaunchState: COLD\nActivity: {component}\nTotalTime: 412\nWaitTime: 415\nComplete")


def begin(app, extras):
    """Start the process of the app, or do what it does wrong."""
    package, folder = app["package"], ROOT / "data/media/0/Android/media" / app["package"]
    folder.mkdir(parents=True, exist_ok=True)
    given = {key: place for place, key in enumerate(extras) if place % 3 == 1}
    result = folder / f"benchmark-{extras[given['result'] + 1] if 'result' in given else ''}.json"
    if FAULT in ("crash", "abort"):
        crash((JAVA_CRASH if FAULT == "crash" else NATIVE_CRASH).format(package=package))
    elif FAULT == "hang":
        result.with_name(f"{result.name}.tmp").write_text('{"version": 2, "run_ns": [1')
        launch([package, "1000"], "/bin/sleep")
    elif FAULT == "garbage":
        launch([package, "1000"], "/bin/sleep")
        result.write_text('{"version": 2, "run_ns": [1')
    elif FAULT != "killed":
        if FAULT == "blind":
            extras[given["model"] + 1] = "/nowhere.tflite"
        in_front = "false" if FAULT == "behind" else "true"
        launch([package, *app["command"][1:], str(folder), in_front, *extras], app["command"][0])


def launch(words, program):
    with (ROOT / ".phone" / "app.log").open("ab") as log:
        subprocess.Popen(
            words, executable=program, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )


def crash(text):
    now = datetime.datetime.now().strftime("%m-%d %H:%M:%S.%f")[:-3]
    with CRASHES.open("a") as log:
        log.writelines(f"{now}  4321  4330 {line}\n" for line in text.splitlines())


def force_stop(arguments):
    """Returns when the process has ended, as Android's does."""
    for number in processes(arguments[0]):
        with contextlib.suppress(ProcessLookupError):  # it has ended meanwhile
            os.kill(number, signal.SIGKILL)
    while processes(arguments[0]):
        time.sleep(0.01)


def processes(package):
    """Those of this phone with that name that have not ended."""
    mark, found = b"PHONE_ROOT=" + os.fsencode(ROOT), []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            ours = mark in (folder / "environ").read_bytes().split(b"\0")
            name = (folder / "cmdline").read_bytes().split(b"\0")[0]
        except OSError:
            continue  # ended meanwhile, or of another user
        if ours and name == package.encode():
            found.append(int(folder.name))
    return found


def logcat(arguments):
    """`-d -b crash -T SINCE`: what crashed since then."""
    if arguments[:4] != ["-d", "-b", "crash", "-T"]:
        sys.exit(f"logcat: {' '.join(arguments)} is more than this phone knows")
    print("--------- beginning of crash")
    for line in CRASHES.read_text().splitlines() if CRASHES.exists() else ():
        if line[: len(arguments[4])] >= arguments[4]:
            print(line)


if __name__ == "__main__":
    {"pm": pm, "am": am, "logcat": logcat}[Path(sys.argv[0]).name](sys.argv[1:])
