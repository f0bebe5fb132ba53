"""What is refused before any work starts."""

from __future__ import annotations

from collections.abc import Sequence

from litesmith.converters.text.architecture import TextModel
from litesmith.converters.text.integer.float_operations import Ids
from litesmith.errors import CalibrationError, ConversionError


def check_calibration(model: TextModel, ids: Ids, wide: int | None) -> None:
    """Refuse ids that the model cannot take, or that calibrate nothing.

    Raises:
        CalibrationError: shapes or values do not fit, or a text has no token.
        ConversionError: more wide rows than there are.
    """
    if ids.ndim != 2 or ids.shape[1] != model.length or not len(ids):
        raise CalibrationError(
            f"ids of shape {ids.shape} do not calibrate a model of {model.length} tokens; give (N, {model.length})"
        )
    if ids.min() < 0 or ids.max() >= model.architecture.vocabulary:
        raise CalibrationError(
            f"ids reach from {int(ids.min())} to {int(ids.max())} and the vocabulary has "
            f"{model.architecture.vocabulary} rows; tokenize with the model's own vocabulary"
        )
    tokens = (ids != model.pad_id).sum(1)
    if not tokens.all():
        raise CalibrationError(f"text {int(tokens.argmin())} holds padding alone; leave empty texts out")
    if wide is not None and not 0 <= wide <= model.length:
        raise ConversionError(f"{wide} rows cannot be wide; give 0 to {model.length}, the model's length")


def check_reach(ids: Ids, pad_id: int, wide: int) -> None:
    """Refuse texts of which none reaches a narrow row.

    Raises:
        CalibrationError: so it is.
    """
    if wide < ids.shape[1] and not (ids[:, wide:] != pad_id).any():
        raise CalibrationError(f"no text has more than {wide} tokens, which are held in int16; add longer texts")


def check_names(without: Sequence[str], rewrites: Sequence[str], required: Sequence[str]) -> None:
    """Refuse to leave out what does not exist or what integers need.

    Raises:
        ConversionError: with the names that can be left out.
    """
    for name in without:
        if name not in rewrites or name in required:
            free = ", ".join(rewrite for rewrite in rewrites if rewrite not in required)
            why = "integers need it" if name in required else "there is no such rewrite"
            raise ConversionError(f"{name!r} cannot be left out: {why}; choose of {free}")
