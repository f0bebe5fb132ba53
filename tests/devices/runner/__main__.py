"""Plays TensorFlow's `benchmark_model`: runs a .tflite with LiteRT and prints what that tool prints.

The runs and their times are real, but of this machine: the line LITESMITH_EMULATED=1 says so, and no latency of it may
ever be shown as a device's. Times of single operators are made up (each gets an equal part of the mean), because
LiteRT's Python interface does not give them; which operators run, and in which piece of a delegate, is real.

The phone tells it, by variables of the environment, to do something wrong (RUNNER_FAULT), to print as the tool of
TensorFlow 2.5 did (RUNNER_FORMAT=old), and what its accelerators do (RUNNER_DELEGATES, see `pieces`).

Written from the tool's documentation and its output: tensorflow/lite/tools/benchmark. It is pushed as one zip file
with an interpreter line, so its modules import each other by bare names.
"""

import resource
import signal
import sys
import time
from pathlib import Path

import numpy as np
from console import FAULT, Failed, log, say
from flags import parse
from inputs import set_inputs
from model import load
from pieces import apply_delegates
from profile_tables import print_profile
from statistics_line import statistics_line


def main(arguments):
    log("STARTING!")
    say("LITESMITH_EMULATED=1\n")
    flags, unknown = parse(arguments)
    if unknown:
        log(f"Unconsumed cmdline flags: {' '.join(unknown)}", "WARN")
    if FAULT == "garbage":
        sys.stdout.buffer.write(bytes(range(256)) + b"\ncount=many avg=fast\nInference (avg): \n")
        return
    log(f"Log parameter values verbosely: [{int(flags['verbose'])}]")
    log(f"Graph: [{flags['graph']}]")
    before = resident_mb()
    start = time.perf_counter()
    interpreter = load(flags)
    pieces = apply_delegates(interpreter, flags)
    init_s = time.perf_counter() - start
    after_init = resident_mb()
    log(f"The input model file size (MB): {Path(flags['graph']).stat().st_size / 1e6:g}")
    log(f"Initialized session in {init_s * 1e3:g}ms.")
    set_inputs(interpreter, flags)
    if flags["dry_run"]:
        flags |= {"warmup_runs": 0, "warmup_min_secs": -1.0, "num_runs": 0, "min_secs": -1.0}
    warmup = repeat(interpreter, flags["warmup_runs"], flags["warmup_min_secs"], flags)
    if FAULT == "truncated":
        say("INFO: Running benchmark for at le")
        return
    times = repeat(interpreter, flags["num_runs"], flags["min_secs"], flags)
    report(init_s, warmup, times, after_init - before, resident_mb() - before)
    if flags["enable_op_profiling"] and times:
        print_profile(pieces, times, init_s, flags["profiling_output_csv_file"])
    save_outputs(interpreter, flags["output_filepath"])


def repeat(interpreter, runs, seconds, flags):
    """Times of single runs in whole microseconds; prints their line."""
    log(
        f"Running benchmark for at least {runs} iterations and at least {seconds:g} seconds"
        f" but terminate if exceeding {flags['max_secs']:g} seconds."
    )
    begin, times = time.perf_counter(), []
    while (now := time.perf_counter() - begin) <= flags["max_secs"] and (len(times) < runs or now < seconds):
        start = time.perf_counter()
        interpreter.invoke()
        times.append(max(1, round((time.perf_counter() - start) * 1e6)))
        if flags["run_delay"] > 0:
            time.sleep(flags["run_delay"])
    log(f"{statistics_line(times)}\n")
    return times


def report(init_s, warmup, times, init_mb, overall_mb):
    first, *_ = warmup or [0]
    averages = [float(np.mean(values)) if values else 0.0 for values in (warmup, times)]
    log(
        f"Inference timings in us: Init: {init_s * 1e6:.0f}, First inference: {first},"
        f" Warmup (avg): {averages[0]:g}, Inference (avg): {averages[1]:g}"
    )
    log(
        "Note: as the benchmark tool itself affects memory footprint, the following is only APPROXIMATE to the actual"
        " memory footprint of the model at runtime. Take the information at your discretion."
    )
    log(f"Memory footprint delta from the start of the tool (MB): init={init_mb:g} overall={overall_mb:g}")


def resident_mb():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def save_outputs(interpreter, path):
    """All outputs one after another, as plain bytes."""
    if path:
        with Path(path).open("wb") as file:
            for detail in interpreter.get_output_details():
                file.write(interpreter.get_tensor(detail["index"]).tobytes())


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # some faults are crashes
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # as a native program: nobody reads, so it ends
    try:
        main(sys.argv[1:])
    except Failed as failed:
        for line in failed.args:
            log(line, "ERROR")
        log("Benchmarking failed.", "ERROR")
        sys.exit(1)
