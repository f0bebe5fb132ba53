"""The fused LSTM of a float `.tflite`, and how large its cell state gets: no run of the model shows that."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from litesmith.calibration.collect import collect
from litesmith.calibration.native import quiet_native
from litesmith.calibration.observers import Floats, MinMax, Observer, Several
from litesmith.calibration.ranges import Range
from litesmith.calibration.samples import CalibrationSet
from litesmith.converters.editing import ModelEditor
from litesmith.converters.tflite_model import TFLiteModel

LSTM = "UNIDIRECTIONAL_SEQUENCE_LSTM"
# Places among its inputs (tensorflow/lite/kernels/lstm_shared.h).
HIDDEN_STATE, CELL_STATE = 18, 19
_NEEDED = (*range(1, 9), *range(12, 16), HIDDEN_STATE, CELL_STATE)
# What a variant has beside them, by place.
_VARIANTS = {"peepholes": range(9, 12), "a projection": range(16, 18), "layer normalization": range(20, 24)}
# Its intermediate results as the file lists them: those of four gates, then the hidden state.
INTERMEDIATES = 5


def lstm_places(model: TFLiteModel) -> list[int]:
    """Places of the fused LSTM operators of the main subgraph."""
    return [operator.index for operator in model.main.operators if operator.op == LSTM]


def variant(model: TFLiteModel, place: int) -> str:
    """What the LSTM at `place` has beside four gates; empty for the plain one that Keras layers become."""
    inputs = model.main.operators[place].inputs
    given = {number for number, index in enumerate(inputs) if index >= 0}
    found = [name for name, numbers in _VARIANTS.items() if given & set(numbers)]
    found += ["fewer inputs"] if not given.issuperset(_NEEDED) else []
    return " and ".join(found)


def cell_ranges(model: TFLiteModel, samples: CalibrationSet) -> dict[int, Range]:
    """Range of the cell state of every fused LSTM over all steps of all samples, each begun from a state of zero.

    After a run the state is that of the last step. So the operator is run by itself, one step at a time, on what the
    model feeds it. TensorFlow's calibrator sees every step too, but lets the state of one sample run on into the
    next, which gives a cell that adds up too wide a range.

    Args:
        model: float32, batch 1.
        samples: inputs named as the model's.

    Returns:
        By tensor index of the state.

    Raises:
        CalibrationError: samples do not fit the model, or a value is NaN or infinite.
    """
    cells: dict[int, list[_Steps]] = defaultdict(list)
    for place in lstm_places(model):
        cells[model.main.operators[place].inputs[0]].append(_Steps.of(model, place))

    def make(index: int, shape: tuple[int, ...]) -> Observer:
        return Several(tuple(cells[index]))

    if cells:
        collect(model.content, samples, make, only=cells.keys(), batch=1)
    return {cell.state: Range(cell.seen.low, cell.seen.high) for found in cells.values() for cell in found}


@dataclass(frozen=True, slots=True)
class _Steps:
    """Observes the input of one LSTM and thereby its cell.

    Attributes:
        state: tensor index of the cell state in the model.
        seen: its values so far.
    """

    state: int
    seen: MinMax
    _interpreter: Any
    _cell: int

    @classmethod
    def of(cls, model: TFLiteModel, place: int) -> _Steps:
        from ai_edge_litert.interpreter import Interpreter

        editor = ModelEditor(model.content)
        operator = _alone(editor, place)
        with quiet_native():
            interpreter = Interpreter(model_content=editor.to_bytes(), num_threads=1)
            interpreter.allocate_tensors()
        state = model.main.operators[place].inputs[CELL_STATE]
        return cls(state, MinMax(), interpreter, int(operator.inputs[CELL_STATE]))

    def update(self, values: Floats) -> None:
        """Run samples (N, steps, 1, features), axes of size 1 anywhere, from a state of zero each."""
        given = self._interpreter.get_input_details()[0]
        for sample in values:
            self._interpreter.reset_all_variables()
            for step in sample.reshape(-1, *given["shape"]):
                self._interpreter.set_tensor(given["index"], step)
                self._interpreter.invoke()
                self.seen.update(self._interpreter.get_tensor(self._cell))


def _alone(editor: ModelEditor, place: int) -> Any:
    """Leave this operator alone in the model, for one step at a time."""
    graph = editor.graph
    operator = graph.operators[place]
    for index in (int(operator.inputs[0]), int(operator.outputs[0])):
        tensor = editor.tensor(index)
        tensor.shape, tensor.shapeSignature = [1, 1, tensor.shape[-1]], None
    graph.operators, graph.inputs, graph.outputs = [operator], [operator.inputs[0]], [operator.outputs[0]]
    editor.model.subgraphs = [graph]
    editor.model.signatureDefs, editor.model.metadata, editor.model.metadataBuffer = [], [], []
    editor.drop_unused_tensors()
    return operator
