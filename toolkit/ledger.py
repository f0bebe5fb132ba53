"""The ledger: what every stage did to accuracy, size and speed, as measured."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any

from litesmith.converters.metric import ACCURACY, METRICS
from litesmith.errors import OutputError


@dataclass(frozen=True, slots=True)
class Row:
    """One stage's result. None is a figure that this stage does not have, never one that failed.

    `accuracy` is on the test split, `validation_accuracy` on the validation split, both shares; of embeddings the mean
    cosine, see `converters.metric`. They are those of the `.tflite` under LiteRT, or of a graph in Keras or TensorFlow
    where `measured_on` says so: a model in quantization-aware training is not a file yet.
    """

    stage: str
    label: str
    measured_on: str
    accuracy: float
    validation_accuracy: float
    parameters: int
    sparsity: float
    seconds: float
    sha256: str
    bytes: int | None = None
    gzip_bytes: int | None = None
    latency: dict[str, Any] | None = None

    def __post_init__(self) -> None:
        for name in ("accuracy", "validation_accuracy", "sparsity"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} of stage {self.stage!r} is {getattr(self, name)}, not a share")

    @property
    def host_p50_ms(self) -> float | None:
        """Median latency on this host, milliseconds."""
        return None if self.latency is None else float(self.latency["p50_ms"])


@dataclass(frozen=True, slots=True)
class Ledger:
    """Rows in the order of the stages; `metric` is what their accuracy is called."""

    rows: tuple[Row, ...]
    metric: str = ACCURACY.name

    @property
    def header(self) -> tuple[str, ...]:
        """Names of the columns that `table` fills."""
        return tuple(self.metric if name == ACCURACY.name else name for name in HEADER)

    @property
    def table(self) -> list[tuple[str, ...]]:
        """The rows as text."""
        return [cells(row, self.metric) for row in self.rows]

    def row(self, stage: str) -> Row | None:
        """The row of a stage, None if the recipe leaves it out."""
        return next((row for row in self.rows if row.stage == stage), None)

    @property
    def deployed(self) -> Row:
        """The row of the file that ships."""
        return self.rows[-1]

    @property
    def float_student(self) -> Row:
        """The row that accuracy drops are counted from: the student before compression."""
        row = self.row("student")
        if row is None:
            raise OutputError("the ledger has no student row; run the recipe again with --overwrite")
        return row

    def to_list(self) -> list[dict[str, Any]]:
        """Rows as plain values, the derived host_p50_ms included."""
        return [{**asdict(row), "host_p50_ms": row.host_p50_ms} for row in self.rows]


def row_from_dict(values: dict[str, Any]) -> Row:
    """Inverse of one entry of `Ledger.to_list`."""
    known = {field.name for field in fields(Row)}
    return Row(**{key: value for key, value in values.items() if key in known})


HEADER = (
    "stage",
    "file",
    "accuracy",
    "bytes",
    "gzip bytes",
    "parameters",
    "sparsity",
    "host p50 ms",
    "seconds",
)


def cells(row: Row, metric: str = ACCURACY.name) -> tuple[str, ...]:
    """One row as text, for tables and the model card; `metric` is what its accuracy is called."""
    return (
        row.stage,
        row.label,
        METRICS[metric].text(row.accuracy),
        "-" if row.bytes is None else f"{row.bytes:,}",
        "-" if row.gzip_bytes is None else f"{row.gzip_bytes:,}",
        f"{row.parameters:,}",
        f"{100 * row.sparsity:.1f}%",
        "-" if row.host_p50_ms is None else f"{row.host_p50_ms:.4f}",
        f"{row.seconds:.1f}",
    )
