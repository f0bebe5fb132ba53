"""Functions named as `package.module:function`."""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from litesmith.errors import DataError

_PATTERN = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*")


def is_entry_point(text: str) -> bool:
    """Whether `text` is written as `package.module:function`."""
    return _PATTERN.fullmatch(text) is not None


def load_entry_point(text: str, *, base: Path | None = None) -> Callable[..., Any]:
    """Import the module and give the function.

    Args:
        text: `package.module:function`.
        base: a folder that is searched for the module after the installed ones, say the recipe's. It stays
            on `sys.path`, because the function may import its neighbours when it is called.

    Raises:
        DataError: it is written otherwise, the module cannot be imported, or has no such function.
    """
    if not is_entry_point(text):
        raise DataError(f"{text!r} is not an entry point; write package.module:function")
    module_name, _, name = text.partition(":")
    if base is not None and str(base.resolve()) not in sys.path:
        sys.path.append(str(base.resolve()))
    try:
        module = importlib.import_module(module_name)
    except (Exception, SystemExit) as error:
        raise DataError(
            f"{text}: module {module_name!r} cannot be imported ({type(error).__name__}: {error}); "
            "install it, put its folder on PYTHONPATH, or repair it"
        ) from error
    function = getattr(module, name, None)
    if not callable(function):
        raise DataError(f"{text}: module {module_name!r} has no function {name!r}; check its spelling")
    return function  # type: ignore[no-any-return]


def call_entry_point(text: str, *, base: Path | None = None) -> Any:
    """`load_entry_point`, then call it without arguments.

    Raises:
        DataError: as above, or the function itself failed; the cause is chained.
    """
    function = load_entry_point(text, base=base)
    try:
        return function()
    except (Exception, SystemExit) as error:
        raise DataError(f"{text}: the function failed ({type(error).__name__}: {error}); repair it") from error
