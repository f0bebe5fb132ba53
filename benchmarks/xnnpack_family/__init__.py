"""Some hundreds of models of one operator each, around the borders of what XNNPACK takes."""

from __future__ import annotations

from collections.abc import Iterator

from xnnpack_family import convolutions, elementwise, images, layers, shapes
from xnnpack_family.models import Case


def family() -> Iterator[Case]:
    """Name and content of every model, group by group."""
    for module in (elementwise, convolutions, layers, shapes, images):
        for group in module.GROUPS:
            yield from ((f"{group.__name__}: {label}", content) for label, content in group())
