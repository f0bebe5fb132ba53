"""Runs recipes/digits.toml twice from nothing: seconds, peak memory, figures, and whether the bytes are the same.

Usage: python benchmarks/digits.py [--rounds 2]
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

RECIPE = Path(__file__).resolve().parent.parent / "recipes" / "digits.toml"


def main() -> None:
    """Run the recipe and print what each run gave."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=2, help="runs (2)")
    rounds = parser.parse_args().rounds
    digests = set()
    with tempfile.TemporaryDirectory() as folder:
        for index in range(rounds):
            line = [sys.executable, "-m", "litesmith.cli", "run", str(RECIPE), "--out", f"{folder}/{index}", "--json"]
            start = time.perf_counter()
            with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
                assert process.stdout is not None
                document = json.load(process.stdout)
                _, status, usage = os.wait4(process.pid, 0)
                process.returncode = os.waitstatus_to_exitcode(status)
            seconds = time.perf_counter() - start
            row = {stage["stage"]: stage for stage in document["stages"]}
            final, student = row["quantize"], row["student"]
            digests.add(final["sha256"])
            print(
                f"run {index + 1}: exit {process.returncode}, {seconds:.1f} s, peak {usage.ru_maxrss / 1e6:.2f} GB, "
                f"{final['label']} {final['bytes']:,} bytes, accuracy {final['accuracy']:.4f} "
                f"(float student {student['accuracy']:.4f}), zeros {final['sparsity']:.3f}"
            )
    print(f"{len(digests)} different model.tflite in {rounds} runs")


if __name__ == "__main__":
    main()
