"""What a bundle's files say together: the model's own facts, compared with the manifest and with what feeds it.

Digests only show that no file was changed since the manifest was written. These checks show that the files belong to
each other, whoever wrote them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from litesmith.bundle import LABELS_FILE, MANIFEST_FILE, Bundle
from litesmith.bundle_contract import contract_place, read_contract, tensor_shape
from litesmith.bundle_promise import check_promise
from litesmith.calibration.preprocess import Preprocess
from litesmith.calibration.text.contract import TextContract
from litesmith.converters.graph import Tensor
from litesmith.converters.metadata import refuse_other_files
from litesmith.converters.runtime_traps import oldest_runtime_of
from litesmith.converters.tflite_model import TFLiteModel
from litesmith.errors import DataError, ModelError
from litesmith.golden import MODEL_FILE, VECTORS_FILE
from litesmith.golden_vectors import GoldenVectors
from litesmith.targets.session import TensorSpec
from litesmith.tasks import HOLDS, output_shape, task_of


@dataclass(frozen=True, slots=True)
class BundleFacts:
    """What manifest, model, labels and preprocessing agree on; `oldest_runtime` is read off the model's operators.

    There are no labels where the output is an embedding.
    """

    name: str
    sha256: str
    oldest_runtime: str
    input: TensorSpec
    output: TensorSpec
    labels: tuple[str, ...]
    preprocess: Preprocess | TextContract

    @property
    def task(self) -> str:
        """What the model is for, see `tasks.task_of`."""
        return task_of(self.output.shape, self.labels)


def bundle_facts(bundle: Bundle) -> BundleFacts:
    """Read a bundle's files against each other.

    Raises:
        ModelError: the model is not what the manifest says or promises, or labels or preprocessing do not fit it; the
            message names the file.
    """
    model = TFLiteModel(bundle.contents[MODEL_FILE], str(bundle.folder / MODEL_FILE))
    check_promise(bundle.manifest, model)
    facts = BundleFacts(
        name=str(bundle.manifest["name"]),
        sha256=model.sha256,
        oldest_runtime=_oldest_runtime(bundle, model),
        input=_spec(bundle, model, "inputs"),
        output=_spec(bundle, model, "outputs"),
        labels=_labels(bundle),
        preprocess=read_contract(bundle.folder, bundle.contents),
    )
    _check_labels(bundle, facts)
    given = tensor_shape(facts.preprocess)
    if given != facts.input.shape[1:]:
        raise ModelError(
            f"gives {given}, but the model takes {facts.input.shape[1:]}; write the bundle again",
            file=contract_place(bundle.folder, bundle.contents),
        )
    if isinstance(facts.preprocess, TextContract):
        _check_ids(bundle, facts.preprocess, facts.input)
    try:
        refuse_other_files(model, {LABELS_FILE: b"", **bundle.contents})
    except DataError as error:
        raise ModelError(f"{error}; then write the bundle again", file=bundle.folder / MANIFEST_FILE) from error
    return facts


def _oldest_runtime(bundle: Bundle, model: TFLiteModel) -> str:
    found, stated = str(oldest_runtime_of(model)), bundle.manifest.get("oldest_runtime")
    if found != stated:
        raise ModelError(
            f"oldest_runtime is {stated}, but the operators of the model need {found}; write the bundle again",
            file=bundle.folder / MANIFEST_FILE,
        )
    return found


def _spec(bundle: Bundle, model: TFLiteModel, side: str) -> TensorSpec:
    """The one input or output, as the manifest and the file say alike."""
    place = bundle.folder / MANIFEST_FILE
    stated = bundle.manifest.get(side)
    tensors = [model.main.tensors[index] for index in getattr(model.main, side)]
    if not isinstance(stated, list) or len(stated) != 1 or len(tensors) != 1:
        raise ModelError(f"{side}: a bundle's model has one; convert a model of one input and one output", file=place)
    try:
        spec = TensorSpec(
            **{key: stated[0][key] for key in ("name", "dtype", "scale", "zero_point")},
            shape=tuple(stated[0]["shape"]),
        )
    except (KeyError, TypeError) as error:
        raise ModelError(f"{side} cannot be read ({error!r}); write the bundle again", file=place) from error
    if not _agrees(spec, tensors[0]):
        raise ModelError(f"{side} is {spec}, but the file has {tensors[0]}; write the bundle again", file=place)
    return spec


def _agrees(spec: TensorSpec, tensor: Tensor) -> bool:
    quantization = tensor.quantization
    scales = quantization.scales if quantization is not None else ()
    points = quantization.zero_points if quantization is not None else ()
    stated = () if spec.scale is None else (spec.scale,), () if spec.zero_point is None else (spec.zero_point,)
    return (spec.shape, spec.dtype) == (tensor.shape, tensor.dtype) and stated == (tuple(scales), tuple(points))


def _labels(bundle: Bundle) -> tuple[str, ...]:
    try:
        return tuple(bundle.contents.get(LABELS_FILE, b"").decode().splitlines())
    except UnicodeDecodeError as error:
        raise ModelError(
            f"is no UTF-8 ({error}); save it so, then write the bundle again", file=bundle.folder / LABELS_FILE
        ) from error


def _check_labels(bundle: Bundle, facts: BundleFacts) -> None:
    """The manifest's task is one of such an output, and there is one label for each answer where there are labels."""
    task, holds = bundle.manifest.get("task"), bundle.manifest["outputs"][0].get("holds")
    shape = facts.output.shape
    # With labels the same output is of this task: then it is labels.txt that may be wrong.
    labelled = LABELS_FILE in bundle.contents and task == task_of(shape, ("any",))
    if (task, holds) not in tuple(HOLDS.items()) or (task != facts.task and not labelled):
        labels = f"{len(facts.labels)} labels" if LABELS_FILE in bundle.contents else f"no {LABELS_FILE}"
        states = f"says that the model is for {task}" if task is not None else "names no task"
        gives = f"gives {holds}" if holds is not None else "does not say what it gives (holds)"
        raise ModelError(
            f"{states} and {gives}, but its output {shape} and {labels} are those of {facts.task}, which gives "
            f"{HOLDS[facts.task]}; write the bundle again",
            file=bundle.folder / MANIFEST_FILE,
        )
    length = facts.preprocess.length if isinstance(facts.preprocess, TextContract) else 0
    fits = shape == output_shape(facts.task, shape, facts.labels, length)
    if labelled and (task != facts.task or not fits):
        raise ModelError(
            f"names {len(facts.labels)} classes, but the model gives {shape}; "
            "give one label for each output, then write the bundle again",
            file=bundle.folder / LABELS_FILE,
        )
    if not fits:
        raise ModelError(
            f"says that the model is for {task}, which has no output {shape}; write the bundle again",
            file=bundle.folder / MANIFEST_FILE,
        )


def _check_ids(bundle: Bundle, contract: TextContract, into: TensorSpec) -> None:
    """The golden texts become the ids that were recorded, which are whole numbers as the contract gives them."""
    if into.dtype != "int32":
        raise ModelError(f"{into.name} holds {into.dtype}; an app feeds ids as int32", file=bundle.folder / MODEL_FILE)
    place = bundle.folder / VECTORS_FILE
    try:
        golden = GoldenVectors.from_json(bundle.contents[VECTORS_FILE].decode())
    except ValueError as error:
        raise ModelError(f"holds no golden vectors ({error}); write the bundle again", file=place) from error
    for vector in golden.vectors:
        ids = None if vector.text is None else contract.encode(vector.text, vector.pair).ids
        if ids is None or not np.array_equal(ids, vector.tensor.ravel()):
            raise ModelError(
                f"sample {vector.sample}: its text does not become its ids by text.json; write the bundle again",
                file=place,
            )
