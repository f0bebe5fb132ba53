"""What the hub's client says, in the words of who asked for a checkpoint."""

from __future__ import annotations

import importlib
from typing import Any

from litesmith.errors import ModelError

_ELSEWHERE = "or download it elsewhere and give its folder"


def hub_error(error: Exception, name: str, revision: str | None) -> ModelError:
    """The error to raise in place of one of huggingface_hub, its HTTP library or the system.

    Args:
        error: what was raised.
        name: of the repository.
        revision: that was asked for; None for the hub's main branch.
    """
    kinds: Any = importlib.import_module("huggingface_hub.errors")
    constants: Any = importlib.import_module("huggingface_hub.constants")
    asked = name if revision is None else f"{name}@{revision}"
    return ModelError(_reason(error, kinds, constants, name, revision), file=asked)


def _reason(error: Exception, kinds: Any, constants: Any, name: str, revision: str | None) -> str:
    hub = constants.ENDPOINT
    if isinstance(error, kinds.GatedRepoError):  # a RepositoryNotFoundError too
        return (
            f"the hub gives it only to those who have accepted its terms; accept them at {hub}/{name}, then log in "
            "with: hf auth login (or set HF_TOKEN)"
        )
    if isinstance(error, kinds.RepositoryNotFoundError):
        return (
            f"no such folder, and {hub} has no such repository; check the name, and for a private one log in with: "
            "hf auth login (or set HF_TOKEN)"
        )
    if isinstance(error, kinds.RevisionNotFoundError):
        return f"the hub has no revision {revision!r} of it; check the branch, tag or commit at {hub}/{name}"
    if isinstance(error, kinds.HFValidationError):
        return "no such folder, and no name that the hub can have; write ORGANISATION/NAME, or check the path"
    if constants.HF_HUB_OFFLINE:
        return (
            "no such folder, and the cache of the hub does not hold all of it; run once without HF_HUB_OFFLINE, "
            + _ELSEWHERE
        )
    if isinstance(error, kinds.LocalEntryNotFoundError):
        return (
            f"no such folder, and {hub} gave no checkpoint of that name ({_first_line(error.__cause__ or error)}); "
            f"check the connection, {_ELSEWHERE}"
        )
    return (
        f"the download from {hub} broke off ({_first_line(error)}); run it again, which goes on where this ended, "
        + _ELSEWHERE
    )


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:300]
