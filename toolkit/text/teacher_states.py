"""A teacher's hidden states on disk: computed once, as much of them as a budget holds, whole files only.

States of a token are kept as float16: of each layer that the student learns from, and of the last layer queries, keys
and values. Samples are ordered by length and stored in parts; a part that is there already is not computed again, so an
interrupted run goes on. Samples beyond the budget are computed whenever they are needed.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from litesmith.converters.backend import tensorflow
from litesmith.converters.text.architecture import TextModel
from litesmith.files import write_bytes, writing
from litesmith.text.batches import Ids, Places, lengths, trimmed
from litesmith.text.fit import Encoder
from litesmith.text.forward import check_trainable
from litesmith.text.predict import model_digest

Array = npt.NDArray[np.float32]
CACHE_BYTES = 2_000_000_000
_PART = 256  # samples in a file
_NAMES = ("queries", "keys", "values")


@dataclass(slots=True)
class TeacherStates:
    """States of a teacher for samples (N, L).

    Attributes:
        teacher: whose states.
        ids: what it sees.
        aligned: whether a sample's tokens are the student's, (N,): only then do states belong to each other.
        layers: those whose hidden states are wanted, from 0, in the student's order.
        relations: whether queries, keys and values of the last layer are wanted.
        folder: where parts are kept.
        budget: bytes that parts may take there.
    """

    teacher: TextModel
    ids: Ids
    aligned: npt.NDArray[np.bool_]
    layers: Sequence[int]
    relations: bool
    folder: Path
    budget: int = CACHE_BYTES
    _rank: Places = field(init=False)
    _starts: Places = field(init=False)
    _sizes: Places = field(init=False)
    _parts: list[Any] = field(init=False, default_factory=list)
    _compute: Any = field(init=False)

    def __post_init__(self) -> None:
        check_trainable(self.teacher)
        self._compute = self._compiled()
        self._sizes = lengths(self.ids, self.teacher.pad_id)
        order = np.argsort(self._sizes, kind="stable")
        self._rank = np.argsort(order)
        parts = np.split(order, range(_PART, len(order), _PART))
        # Where each sample's tokens begin within its part.
        self._starts = np.concatenate([np.cumsum(self._sizes[part]) - self._sizes[part] for part in parts])
        self._fill(parts)

    @property
    def hidden(self) -> int:
        """The teacher's hidden width."""
        return self.teacher.architecture.hidden

    @property
    def cached_samples(self) -> int:
        """How many samples are on disk."""
        return min(len(self.ids), len(self._parts) * _PART)

    def of(self, places: Places, length: int) -> dict[str, Any]:
        """States of the samples at `places`, (B, length, width) each, by the names of `text.signal`, and `aligned`."""
        rows = np.zeros((len(places), length, self._width), np.float32)
        stored = self._rank[places] // _PART < len(self._parts)
        for row, place in zip(np.flatnonzero(stored), places[stored], strict=True):
            size, rank = min(length, int(self._sizes[place])), self._rank[place]
            start = self._starts[rank]
            rows[row, :size] = self._parts[rank // _PART][start : start + size]
        if not stored.all():
            found = self._states(places[~stored])[:, :length]
            rows[~stored, : found.shape[1]] = found
        return self._named(rows) | {"aligned": self.aligned[places].astype(np.float32)}

    @property
    def _width(self) -> int:
        attended = self.teacher.architecture.heads[-1] * self.teacher.architecture.head_size
        return len(self.layers) * self.hidden + (3 * attended if self.relations else 0)

    def _named(self, rows: Array) -> dict[str, Any]:
        count, hidden = len(self.layers), self.hidden
        found = {f"hidden.{place}": rows[..., place * hidden : (place + 1) * hidden] for place in range(count)}
        if self.relations:
            found |= dict(zip(_NAMES, np.split(rows[..., count * hidden :], 3, axis=-1), strict=True))
        return found

    def _fill(self, parts: list[Places]) -> None:
        """Load or compute parts in order for as long as the budget lasts; what is of other states goes."""
        key = hashlib.sha256(f"{model_digest(self.teacher)} {list(self.layers)} {self.relations}".encode())
        key.update(self.ids.tobytes())
        prefix = f"states-{key.hexdigest()[:24]}"
        with writing(self.folder):
            for path in self.folder.glob("states-*.npy"):
                if not path.name.startswith(prefix):
                    path.unlink()
        left = self.budget
        for number, part in enumerate(parts):
            shape = (int(self._sizes[part].sum()), self._width)
            left -= 2 * shape[0] * shape[1] + 128  # of the header
            if left < 0:
                return
            self._parts.append(self._part(self.folder / f"{prefix}-{number:05d}.npy", part, shape))

    def _part(self, path: Path, part: Places, shape: tuple[int, int]) -> Any:
        if path.is_file():
            stored = np.load(path, mmap_mode="r", allow_pickle=False)
            if stored.shape == shape:
                return stored
        rows = self._states(part)
        tokens = np.concatenate([row[:size] for row, size in zip(rows, self._sizes[part], strict=True)])
        buffer = io.BytesIO()
        np.save(buffer, tokens.astype(np.float16), allow_pickle=False)
        write_bytes(path, buffer.getvalue())
        return np.load(path, mmap_mode="r", allow_pickle=False)

    def _states(self, places: Places) -> Array:
        found: Array = self._compute(trimmed(self.ids[places], self.teacher.pad_id))
        return found

    def _compiled(self) -> Any:
        tf, model = tensorflow(), self.teacher
        weights = {name: tf.constant(array) for name, array in model.weights.items()}
        encoder = Encoder(model.architecture, model.head, model.pad_id, weights)

        @tf.function(reduce_retracing=True)  # type: ignore[untyped-decorator]
        def states(ids: Any) -> Any:
            found = encoder.states(ids)
            last = [found.queries[-1], found.keys[-1], found.values[-1]] if self.relations else []
            wanted = tf.concat([*(found.hidden[layer + 1] for layer in self.layers), *last], axis=-1)
            return wanted * found.mask[..., None]

        return lambda ids: np.asarray(states(tf.constant(ids)))
