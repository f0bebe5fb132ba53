"""Images on disk, and models of a few operators."""

import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from PIL import Image


@pytest.fixture
def save_image():
    def save(path, array, **options):
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.asarray(array)).save(path, **options)
        return path

    return save


class ModelBuilder:
    """Puts a `.tflite` together operator by operator; tensors are float32 unless they have data of another type."""

    def __init__(self):
        self.model = schema.ModelT()
        self.model.version, self.model.buffers = 3, [schema.BufferT()]
        self.model.operatorCodes, self.model.subgraphs = [], []
        self.add_subgraph()

    def add_subgraph(self):
        self.graph = schema.SubGraphT()
        self.graph.tensors, self.graph.operators, self.graph.inputs, self.graph.outputs = [], [], [], []
        self.model.subgraphs.append(self.graph)
        return self

    def tensor(self, name, shape, data=None, *, dtype="FLOAT32", variable=False, signature=None):
        tensor = schema.TensorT()
        tensor.name, tensor.shape, tensor.isVariable, tensor.shapeSignature = name, list(shape), variable, signature
        tensor.type, tensor.buffer = getattr(schema.TensorType, dtype), len(self.model.buffers)
        buffer = schema.BufferT()
        if data is not None:
            buffer.data = np.ascontiguousarray(data).view(np.uint8).ravel()
        self.model.buffers.append(buffer)
        self.graph.tensors.append(tensor)
        return len(self.graph.tensors) - 1

    def op(self, name, inputs, outputs, options=None, *, custom=None):
        code, operator = schema.OperatorCodeT(), schema.OperatorT()
        code.builtinCode = getattr(schema.BuiltinOperator, name)
        code.deprecatedBuiltinCode, code.version, code.customCode = min(code.builtinCode, 127), 1, custom
        operator.opcodeIndex, operator.inputs, operator.outputs = len(self.model.operatorCodes), inputs, outputs
        if options is not None:
            operator.builtinOptions = options
            operator.builtinOptionsType = getattr(schema.BuiltinOptions, type(options).__name__[:-1])
        self.model.operatorCodes.append(code)
        self.graph.operators.append(operator)

    def ends(self, inputs, outputs):
        self.graph.inputs, self.graph.outputs = inputs, outputs
        return self

    def content(self):
        builder = flatbuffers.Builder(1024)
        builder.Finish(self.model.Pack(builder), b"TFL3")
        return bytes(builder.Output())


@pytest.fixture
def builder():
    return ModelBuilder()
