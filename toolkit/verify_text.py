"""What a verification found, for people."""

from __future__ import annotations

from litesmith.commands.answer import printable, table
from litesmith.converters.label import truth_label
from litesmith.verification import CpuResult, Verification

_HEADER = ("device", "emulated by", "delegate", "kernels", "equal to this machine", "golden vectors")


def verification_text(verification: Verification) -> str:
    """A table with one row a processor, and below what is to be known about it."""
    tolerance = verification.tolerance
    allowed = f"{tolerance.lsb} LSB, {tolerance.share:.2g} of the largest float" if tolerance.share else "bit for bit"
    lines = [
        f"{verification.model.source}: {truth_label(verification.model)}, {verification.vectors} inputs "
        f"({verification.inputs_from}), compared with {verification.here}",
        f"allowed: {allowed}; {tolerance.reason}",
        "",
        table(_HEADER, [_row(result) for result in verification.results]),
        "",
        *(line for result in verification.results for line in _details(result)),
        "emulated: outputs are proved, speed is not; no latency follows from this",
    ]
    lines += [f"unmet: {result.failure}" for result in verification.results if not result.ok]
    lines += ["ok: every processor computes what is allowed"] * verification.ok
    return printable("\n".join(lines))


def outcome_lines(verification: Verification) -> list[str]:
    """One line a processor, for the answer of a run."""
    return [
        f"verify unmet: {result.failure}"
        if result.run is None or result.failure is not None
        else f"verify {result.device}: {verification.vectors} golden vectors give what they should, with "
        f"{result.run.kernels} kernels (emulated)"
        for result in verification.results
    ]


def _row(result: CpuResult) -> tuple[str, ...]:
    run, parity, golden = result.run, result.parity, result.golden
    if run is None or parity is None:
        return (result.device, "-", "-", "-", "gave no outputs", "-")
    equal = f"{parity.equal_vectors} of {parity.vectors}"
    apart = [f"{parity.max_lsb:g} LSB"] * (parity.max_lsb > 0) + [f"{parity.max_share:.2g}"] * (parity.max_share > 0)
    if apart:
        equal += f", apart by {' and '.join(apart)}" + ("" if parity.ok else ": UNMET")
    recorded = "-"
    if golden is not None:
        recorded = f"{golden.max_steps:.3g} {golden.unit} apart, {golden.tolerance_steps} allowed"
        classes = "" if golden.wrong_class is None else f", {len(golden.wrong_class)} of another class"
        recorded += classes + ("" if golden.ok else ": UNMET")
    return (result.device, run.emulator, run.delegate, run.kernels, equal, recorded)


def _details(result: CpuResult) -> list[str]:
    """Which kernels and how that is known, the first difference, and what went wrong."""
    lines = []
    if result.run is not None:
        counted = result.run.instructions
        if counted is None:
            seen = "the emulator listed no instruction of the runtime, so its kernels are not known"
        else:
            found = ", ".join(f"{count} {name}" for name, count in counted.items() if count)
            seen = f"the emulator came to {found or 'no multiply-accumulate instruction'} in the runtime's library"
        has = ", ".join(result.run.features) or "none"
        runtime = f"{result.run.runtime} {result.run.runtime_version}"
        lines.append(f"{result.device}: {runtime}; {seen}; features told by the system: {has}")
    if result.parity is not None and result.parity.ok and result.parity.first is not None:
        lines.append(f"{result.device}: first difference: {result.parity.first}")
    lines += [f"{result.device}: set up with {note}" for note in result.notes]
    return lines
