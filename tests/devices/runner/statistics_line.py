"""The line of a series of runs, in whole microseconds."""

import numpy as np
from console import OLD


def statistics_line(times):
    """`count=.. first=.. curr=.. min=.. max=.. avg=.. std=..`; newer tools add percentiles.

    As the tool does, a series of equal values has only its count and one value.
    """
    if not times:
        return "count=0"
    if min(times) == max(times):
        line = f"count={len(times)} curr={times[-1]}" + (" (all same)" if len(times) > 1 else "")
    else:
        line = (
            f"count={len(times)} first={times[0]} curr={times[-1]} min={min(times)} max={max(times)}"
            f" avg={np.mean(times):g} std={int(np.std(times))}"
        )
    if OLD:
        return line
    low, middle, high = (int(np.percentile(times, share, method="lower")) for share in (5, 50, 95))
    return f"{line} p5={low} median={middle} p95={high}"
