"""The tables of `--enable_op_profiling=true`: run order, top by time, summary by kind, and a delegate's inside."""

from pathlib import Path

from console import OLD, log
from statistics_line import statistics_line

START = OLD  # the column with the start went away
WIDTH = 24 if OLD else 40


def print_profile(pieces, times, init_s, csv_path):
    """Print the tables, or write them to a file."""
    share_us = sum(times) / len(times) / len(pieces.left)
    kinds_and_names = [(pieces.kind(node), f"[{pieces.name(node)}]:{node['index']}") for node in pieces.left]
    rows = [(kind, name, share_us) for kind, name in kinds_and_names]
    inside = []
    if pieces.delegates and pieces.taken:
        part_us = share_us * len(pieces.delegates) / len(pieces.taken)
        inside = [(node["op_name"], f"Delegate/{node['op_name']}:{n}", part_us) for n, node in enumerate(pieces.taken)]
    csv = bool(csv_path)
    text = "Profiling Info for Benchmark Initialization:\n" + _tables(
        [("AllocateTensors", "AllocateTensors/0", init_s * 1e6)], [round(init_s * 1e6)], csv
    )
    text += "\nOperator-wise Profiling Info for Regular Benchmark Runs:\n" + _tables(rows, times, csv)
    if inside and not OLD:
        text += "\nDelegate internal: \n" + _tables(inside, times, csv)
    if csv:
        Path(csv_path).write_text(text)
    else:
        log(text)


def _tables(rows, times, csv):
    parts = [_table("Run Order", rows, csv)]
    longest = sorted(rows, key=lambda row: -row[2])[:10]
    parts.append(_table("Top by Computation Time", longest, csv))
    parts.append(f"Number of nodes executed: {len(rows)}\n" + _summary(rows, csv))
    parts.append(
        f"Timings (microseconds): {statistics_line(times)}\nMemory (bytes): count=0\n{len(rows)} nodes observed\n"
    )
    return "\n".join(parts)


def _table(title, rows, csv):
    lines = [f"{'=' * 30} {title} {'=' * 30}", _header(csv)]
    total, passed = sum(row[2] for row in rows), 0.0
    for kind, name, mean_us in rows:
        start = passed
        passed += mean_us
        part, all_parts = 100 * mean_us / total, 100 * passed / total
        if csv:
            begin = f"{start / 1e3:g}, " if START else ""
            lines.append(
                f"{kind}, {begin}{mean_us / 1e3:g}, {mean_us / 1e3:g}, {part:g}%, {all_parts:g}%, 0, 1, {name}"
            )
        else:
            begin = f"\t{start / 1e3:17.3f}" if START else ""
            lines.append(
                f"\t{kind:>{WIDTH}}{begin}\t{mean_us / 1e3:9.3f}\t{mean_us / 1e3:9.3f}\t{part:7.3f}%"
                f"\t{all_parts:7.3f}%\t{0:10.3f}\t{1:9d}\t{name}"
            )
    return "\n".join(lines) + "\n"


def _header(csv):
    if csv:
        return f"node type, {'start, ' if START else ''}first, avg_ms, %, cdf%, mem KB, times called, name"
    begin = f"\t{'[start]':>17}" if START else ""
    return (
        f"\t{'[node type]':>{WIDTH}}{begin}\t{'[first]':>9}\t{'[avg ms]':>9}\t{'[%]':>8}\t{'[cdf%]':>8}"
        f"\t{'[mem KB]':>10}\t[times called]\t[Name]"
    )


def _summary(rows, csv):
    kinds = {}
    for kind, _, mean_us in rows:
        count, spent = kinds.get(kind, (0, 0.0))
        kinds[kind] = (count + 1, spent + mean_us)
    lines = [f"{'=' * 30} Summary by node type {'=' * 30}"]
    if csv:
        lines.append("node type, count, avg_ms, avg %, cdf %, mem KB, times called")
    else:
        lines.append(
            f"\t{'[Node type]':>{WIDTH}}\t{'[count]':>9}\t{'[avg ms]':>10}\t{'[avg %]':>11}\t{'[cdf %]':>11}"
            f"\t{'[mem KB]':>10}\t[times called]"
        )
    total, passed = sum(row[2] for row in rows), 0.0
    for kind, (count, spent) in sorted(kinds.items(), key=lambda item: -item[1][1]):
        passed += spent
        part, all_parts = 100 * spent / total, 100 * passed / total
        if csv:
            lines.append(f"{kind}, {count}, {spent / 1e3:g}, {part:g}%, {all_parts:g}%, 0, {count}")
        else:
            lines.append(
                f"\t{kind:>{WIDTH}}\t{count:9d}\t{spent / 1e3:10.3f}\t{part:10.3f}%\t{all_parts:10.3f}%"
                f"\t{0:10.3f}\t{count:9d}"
            )
    return "\n".join(lines) + "\n"
