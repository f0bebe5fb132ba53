"""How the demo app is asked to measure: an intent for its activity, and a wait until its result is there.

What is known of the places: an app may read files that the shell wrote below /data/local/tmp (AOSP's SELinux policy,
private/untrusted_app_all.te: `allow untrusted_app_all shell_data_file:file r_file_perms`, the same from Android 8 to
16), and writes none there. Both an app and the shell may use the app's folder in Android/media, without permissions
(androidx.benchmark, Outputs.kt: "the media directory because that is the directory that the shell has access to").
A file is preferred to logcat, whose lines are cut at 4 KB and dropped when there are many.
"""

from __future__ import annotations

from collections.abc import Sequence
from shlex import quote

from litesmith.errors import DeviceError
from litesmith.targets.devices.benchmark_model import DELEGATES, WARMUP_RUNS, WARMUP_SECONDS
from litesmith.targets.devices.device import Configuration, Demand

PACKAGE = "dev.litesmith.demo"
STOP = f"am force-stop {PACKAGE}"
NO_RESULT = 4
_ACTIVITY = f"{PACKAGE}/.MainActivity"
_RESULTS = f"/sdcard/Android/media/{PACKAGE}"
_ACCELERATORS = {name: "cpu" if name == "none" else name for name in DELEGATES}
_LOOK_EVERY_S = 0.2


def result_path(name: str) -> str:
    """Where the app puts the result of that name (`[0-9a-z]*`), under another name until it is whole."""
    return f"{_RESULTS}/benchmark-{name}.json"


def timing_extras(configuration: Configuration, demand: Demand) -> tuple[str, ...]:
    """What to time, as `am start` takes it.

    Raises:
        DeviceError: the app has no such delegate, or cannot be pinned to cores.
    """
    least, seconds = (demand.runs, 0.0) if demand.runs is not None else (1, demand.seconds)
    return (
        *_options(configuration),
        *("--ei", "runs", str(least), "--ef", "seconds", f"{seconds:g}", "--ei", "warmup_runs", str(WARMUP_RUNS)),
        *("--ef", "warmup_seconds", f"{min(WARMUP_SECONDS, demand.seconds):g}"),
    )


def vector_extras(configuration: Configuration, files: Sequence[str]) -> tuple[str, ...]:
    """As few runs as the app makes, on a file for each input; errors are those of `timing_extras`."""
    words = (*_options(configuration), "--ei", "runs", "1", "--ei", "warmup_runs", "0")
    return (*words, "--es", "inputs", ":".join(files))


def script(graph: str, name: str, extras: Sequence[str]) -> str:
    """Start the app anew and wait until its result is there or it has ended.

    Exit code 0 where the result is there; `NO_RESULT` where it is not, and then what Android says of crashes since
    the start is printed.
    """
    result = quote(result_path(name))
    words = ("--es", "model", graph, "--es", "result", name, *extras)
    return (
        f"{STOP}; since=$(date '+%m-%d %H:%M:%S.000'); "
        f"am start -W -n {_ACTIVITY} {' '.join(quote(word) for word in words)}; "
        f"while [ ! -f {result} ] && pidof {PACKAGE} >/dev/null; do sleep {_LOOK_EVERY_S}; done; "
        f'[ -f {result} ] || {{ logcat -d -b crash -T "$since"; exit {NO_RESULT}; }}'
    )


def removal(name: str) -> str:
    """Remove a result, also one that is not whole."""
    return f"rm -f {quote(result_path(name))} {quote(result_path(name))}.tmp"


def _options(configuration: Configuration) -> tuple[str, ...]:
    accelerator = _ACCELERATORS.get(configuration.delegate)
    if accelerator is None:
        raise DeviceError(
            f"the app has no delegate {configuration.delegate!r}; choose one of {', '.join(_ACCELERATORS)}"
        )
    if configuration.cores is not None:
        raise DeviceError("Android chooses the cores of an app; leave --cores away with --runner app")
    return ("--es", "accelerator", accelerator, "--ei", "threads", str(configuration.threads))
