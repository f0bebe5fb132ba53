"""What to be told of a compiler's log beside its counts: whether it fits, and why a compilation failed."""

from __future__ import annotations

from litesmith.targets.compiler_log import CompilerLog, file_name
from litesmith.targets.profile import TargetProfile
from litesmith.targets.report import Finding

# Parts of the texts with which compilers give up, and what helps. From google-coral/edgetpu: issues 168 and 313 (not
# quantized), 157 and 378 (internal), 449 (large), 778 (a search); the others are recalled, not confirmed.
_FAILURES = {
    "not quantized": "Quantize the model to full integer, with 8-bit inputs and outputs, and compile that file.",
    "could not be parsed": "Give the compiler a sound .tflite of one subgraph; `litesmith inspect` says what is in it.",
    "large activation tensors": "Use a smaller input or fewer channels; -d searches for a part that can be compiled.",
    "dynamic-sized tensors": "Convert with a fixed batch of 1 and fixed input sizes.",
    "failed in Tflite interpreter": "Convert with fixed sizes and builtin operators, so that TensorFlow Lite loads it.",
    "Internal": "The compiler itself failed, which it does on large inputs too: try its newest version, a smaller "
    "input, or a search for a part that it takes (-d).",
}  # fmt: skip
_UNKNOWN = "Look the text up in the issues of google-coral/edgetpu."


def failure_finding(log: CompilerLog) -> Finding:
    """The error of a log whose compiler wrote no file."""
    cause = log.failure or ""
    fix = next((advice for part, advice in _FAILURES.items() if part in cause), _UNKNOWN)
    return Finding("compiler_log", None, "error", f"The compiler wrote no file: {cause}", fix, cited(log))


def fit_findings(log: CompilerLog, profile: TargetProfile, model: str) -> tuple[Finding, ...]:
    """Where the log may be about another model or another setting than the prediction.

    Args:
        log: what the compiler said.
        profile: the Edge TPU with the setting of the prediction.
        model: path of the model; only its name counts.
    """
    found = []
    if log.model is not None and file_name(log.model) != file_name(model):
        message = f"The log is about {file_name(log.model)!r}, but the model is {file_name(model)!r}."
        fix = "Take it only if the file was renamed since; otherwise give the log of this file."
        found.append(Finding("log_of_another_name", None, "warning", message, fix, cited(log)))
    version = (log.version or profile.setting).partition(".")[0]
    if version != profile.setting:
        message = f"The log is of compiler {log.version}, but the prediction is for {profile.label}."
        fix = f"Predict for that compiler: --target {profile.name}@{version}."
        if version not in profile.parameter.values:
            fix = "No setting is about that compiler; compile with a newer one."
        found.append(Finding("log_of_another_version", None, "warning", message, fix, cited(log)))
    if log.sections > 1:
        message = f"The file holds the logs of {log.sections} compilations; the last one of this model is taken."
        fix = "Keep one log for each compilation where another is meant."
        found.append(Finding("several_logs", None, "info", message, fix, cited(log)))
    return tuple(found)


def cited(log: CompilerLog) -> str:
    """The compiler and its log, as the source of a finding."""
    compiler = f"edgetpu_compiler {log.version or ''}".rstrip()
    return f"{compiler}, {log.source}"
