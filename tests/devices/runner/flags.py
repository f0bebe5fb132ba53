"""Flags of the tool: `--name=value`. What it does not know it names and leaves aside, as the tool does."""

import sys

from console import Failed

DEFAULTS = {
    "graph": "",
    "num_threads": -1,
    "num_runs": 50,
    "min_secs": 1.0,
    "max_secs": 150.0,
    "warmup_runs": 1,
    "warmup_min_secs": 0.5,
    "run_delay": -1.0,
    "verbose": False,
    "dry_run": False,
    "use_xnnpack": None,
    "use_nnapi": False,
    "use_gpu": False,
    "nnapi_accelerator_name": "",
    "nnapi_allow_fp16": False,
    "nnapi_execution_preference": "",
    "disable_nnapi_cpu": True,
    "gpu_precision_loss_allowed": True,
    "require_full_delegation": False,
    "enable_op_profiling": False,
    "profiling_output_csv_file": "",
    "input_layer": "",
    "input_layer_shape": "",
    "input_layer_value_files": "",
    "output_filepath": "",
    "report_peak_memory_footprint": False,
}


def parse(arguments):
    """Values of the flags, and what is no flag."""
    values, unknown = dict(DEFAULTS), []
    for argument in arguments:
        name, equals, text = argument.removeprefix("--").partition("=")
        if not argument.startswith("--") or not equals or name not in DEFAULTS:
            unknown.append(argument)
            continue
        try:
            values[name] = _value(DEFAULTS[name], text)
        except (ValueError, KeyError) as error:
            usage = "\n".join(f"\t--{flag}={default}" for flag, default in DEFAULTS.items())
            message = f"Failed to parse flag '{name}' against argv '{argument}'"
            raise Failed(message, f"usage: {sys.argv[0]} <flags>\nFlags:\n{usage}") from error
    return values, unknown


def _value(default, text):
    if isinstance(default, bool) or default is None:
        return {"true": True, "1": True, "false": False, "0": False}[text]
    return type(default)(text)
