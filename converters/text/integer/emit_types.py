"""Token types, found in the file from the ids, as integer operators."""

from __future__ import annotations

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from litesmith.calibration.text.encoding import PairTypes
from litesmith.converters.text.integer.graph_writer import GraphWriter, Held
from litesmith.converters.text.integer.padding import Padding

_INT32, _BOOL = schema.TensorType.INT32, schema.TensorType.BOOL


def token_types(writer: GraphWriter, ids: Held, padding: Padding, told: PairTypes) -> Held:
    """1 where there is a token after so many ends, else 0: (1, L) int32, as `PairTypes` has them."""
    end = writer.constant("types.end", np.array([told.end], np.int32))
    is_end = writer.tensor("types.is_end", ids.shape, "bool")
    writer.operator("EQUAL", [ids, end], is_end, schema.EqualOptionsT())
    options = schema.CumsumOptionsT()
    options.exclusive = True
    axis = writer.constant("types.axis", np.array([1], np.int32))
    before = writer.tensor("types.ends_before", ids.shape, "int32")
    writer.operator("CUMSUM", [_as_int32(writer, "types.ends", is_end), axis], before, options)
    ends = writer.constant("types.enough", np.array([told.ends], np.int32))
    after = writer.tensor("types.after", ids.shape, "bool")
    writer.operator("GREATER_EQUAL", [before, ends], after, schema.GreaterEqualOptionsT())
    second = writer.tensor("types.second", ids.shape, "bool")
    writer.operator("LOGICAL_AND", [after, padding.differs()], second, schema.LogicalAndOptionsT())
    return _as_int32(writer, "types.row", second)


def _as_int32(writer: GraphWriter, name: str, x: Held) -> Held:
    options = schema.CastOptionsT()
    options.inDataType, options.outDataType = _BOOL, _INT32
    return writer.operator("CAST", [x], writer.tensor(name, x.shape, "int32"), options)
