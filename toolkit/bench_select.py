"""Which stored measurements a day, a path, a name or the start of a sha256 means."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from litesmith.bench_store import Stored
from litesmith.errors import DataError

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_SHA256_PREFIX = re.compile(r"[0-9a-f]{6,64}")


def are_days(a: str, b: str) -> bool:
    """Whether days are compared, and not models.

    Raises:
        DataError: one of the two is a day, the other a model.
    """
    days = [bool(_DAY.fullmatch(name)) for name in (a, b)]
    if any(days) and not all(days):
        raise DataError(f"cannot compare {a} with {b}: give two days, or two models")
    return all(days)


def selected(stored: Sequence[Stored], name: str) -> list[Stored]:
    """Measurements of a day, of a path, or else of a name or digest that means one model only.

    Raises:
        DataError: there are none, or those of several models.
    """
    if _DAY.fullmatch(name):
        found = [one for one in stored if one.document["when"].startswith(name)]
    else:
        found = [one for one in stored if one.document["model"] == name]
        found = found or _one_model([one for one in stored if _names(name, one.document)], name)
    if not found:
        known = sorted({Path(one.document["model"]).name for one in stored})
        raise DataError(f"the store has no measurement of {name!r}; it has {', '.join(known) or 'nothing'}")
    return found


def _names(name: str, document: dict[str, Any]) -> bool:
    path = Path(document["model"])
    is_digest = bool(_SHA256_PREFIX.fullmatch(name)) and document["sha256"].startswith(name)
    return is_digest or name in (path.name, path.stem)


def _one_model(found: list[Stored], name: str) -> list[Stored]:
    paths = {one.document["model"] for one in found}
    digests = {one.document["sha256"] for one in found}
    if len(paths) > 1 and len(digests) > 1:
        raise DataError(f"{name!r} means several models; give one of {', '.join(sorted(paths))}, or a longer sha256")
    return found
