# ruff: noqa: E501 (one operator a line keeps the table readable)
"""NNAPI, operator by operator and level by level, against the facts of LiteRT's nnapi_delegate.cc at f674577.

Each fact stands here a second time, in another form than in the profile: a slip in one of them is a failure.
"""

import pytest

from litesmith.targets.profile import OpSupport, TargetProfile

LEVELS = ("27", "28", "29", "30", "31", "1000006", "1000007", "1000008")
F, Q, QI = "float32", "float32 uint8 int8", "float32 uint8 int8 int32"
FROM_29 = {27: F, 29: Q}

# operator: first level, highest version (None: any), types of the first input by level (None: not looked at)
FACTS: dict[str, tuple[int, int | None, dict[int, str] | str | None]] = {
    "ADD": (27, 2, {27: Q, 30: QI}), "MUL": (27, 2, {27: Q, 30: QI}), "SUB": (28, 3, {28: F, 29: Q, 30: QI}),
    "DIV": (28, 1, F), "SQUARED_DIFFERENCE": (28, 2, {28: F, 29: "float32 uint8", 30: QI}),
    "ARG_MAX": (29, 2, QI + " float16"), "ARG_MIN": (29, 2, QI + " float16"),
    "AVERAGE_POOL_2D": (27, 2, Q), "MAX_POOL_2D": (27, 2, Q), "L2_POOL_2D": (27, 1, F),
    "CONV_2D": (27, 5, {27: "float32 uint8", 29: Q}), "DEPTHWISE_CONV_2D": (27, 3, {27: "float32 uint8", 29: None}),
    "FULLY_CONNECTED": (27, 5, {27: "float32 uint8", 29: None}), "TRANSPOSE_CONV": (29, 4, None),
    "HARD_SWISH": (27, None, Q), "SOFTMAX": (27, 2, Q), "LOG_SOFTMAX": (29, 1, F),
    "RESHAPE": (27, 1, {27: Q, 1000006: QI}), "SQUEEZE": (28, 1, None), "EXPAND_DIMS": (29, 1, QI + " float16"),
    "RESIZE_BILINEAR": (27, 3, FROM_29), "RESIZE_NEAREST_NEIGHBOR": (29, 3, Q),
    "UNIDIRECTIONAL_SEQUENCE_LSTM": (29, 2, None), "BIDIRECTIONAL_SEQUENCE_LSTM": (29, 1, None),
    "UNIDIRECTIONAL_SEQUENCE_RNN": (29, 1, None), "RNN": (27, 1, None), "SVDF": (28, 1, None), "LSTM": (28, 3, None),
    "L2_NORMALIZATION": (27, 2, {27: F, 29: None}), "LOCAL_RESPONSE_NORMALIZATION": (27, 1, None),
    "LSH_PROJECTION": (27, 1, None), "CONCATENATION": (27, 2, Q + " float16"),
    "DEQUANTIZE": (27, 2, {27: "uint8", 29: "uint8 int8", 30: "uint8 int8 float16"}), "DENSIFY": (30, None, None),
    "QUANTIZE": (29, 2, Q), "CAST": (29, 1, {29: "float32 int32 uint8", 30: "float32 int32 uint8 int8"}),
    "FLOOR": (27, 1, None), "RELU": (27, 2, Q), "RELU_N1_TO_1": (27, 2, Q), "RELU6": (27, 2, Q), "LOGISTIC": (27, 2, Q),
    "TANH": (27, 2, FROM_29), "ELU": (30, 1, F), "LEAKY_RELU": (29, 1, Q), "PRELU": (29, 1, Q),
    "PAD": (28, 2, {28: F, 29: Q}), "PADV2": (28, 2, Q), "MIRROR_PAD": (1000007, 2, QI),
    "SPACE_TO_BATCH_ND": (28, 2, None), "BATCH_TO_SPACE_ND": (28, 2, None), "SPACE_TO_DEPTH": (27, 2, Q),
    "DEPTH_TO_SPACE": (27, None, Q), "STRIDED_SLICE": (28, 2, Q), "SLICE": (29, 2, QI), "TRANSPOSE": (28, 2, None),
    "REVERSE_V2": (1000007, 3, QI), "TILE": (29, 1, QI), "GATHER": (29, 2, QI + " float16"),
    "ABS": (29, 1, F), "EXP": (29, 1, F), "LOG": (29, 1, F), "POW": (29, 1, F), "SIN": (29, 1, F), "COS": (29, 1, F),
    "SQRT": (29, 1, F), "RSQRT": (29, 2, {29: F, 1000007: Q}), "NEG": (29, 2, "float32 int32"),
    "MEAN": (28, 2, {28: F, 29: Q}), "SUM": (29, 1, F), "REDUCE_PROD": (29, 1, F), "REDUCE_ANY": (29, 2, None),
    "REDUCE_MIN": (29, 2, Q), "REDUCE_MAX": (29, 2, Q), "MAXIMUM": (29, 3, QI), "MINIMUM": (29, 3, QI),
    "EMBEDDING_LOOKUP": (27, 1, None), "HASHTABLE_LOOKUP": (27, 1, None), "TOPK_V2": (29, 2, QI), "SELECT": (29, 2, None),
    "LOGICAL_OR": (29, 1, "bool"), "LOGICAL_AND": (29, 1, "bool"), "LOGICAL_NOT": (29, 1, "bool"),
    "LESS": (29, 2, QI + " bool"), "LESS_EQUAL": (29, 2, QI + " bool"), "GREATER": (29, 2, QI + " bool"),
    "GREATER_EQUAL": (29, 2, QI + " bool"), "EQUAL": (29, 2, QI + " bool"), "NOT_EQUAL": (29, 2, QI + " bool"),
    "SPLIT": (29, 3, "int32"), "SPLIT_V": (30, 2, QI), "FILL": (30, 1, None), "UNPACK": (30, 2, Q),
    "PACK": (30, 2, {30: "float32 int8", 1000006: QI}), "BATCH_MATMUL": (1000006, 2, "float32 int32 int8"),
}  # fmt: skip

# The rules of single operators: rule, what marks it out among rules of one kind, the levels [first, last] it counts at.
EVER = (27, 1000008)
RULES: dict[str, list[tuple[str, dict[str, object], tuple[int, int]]]] = {
    "ADD": [("rank", {"maximum": 4}, EVER), ("fused_activation", {"allow": ["NONE"]}, EVER)],
    "MUL": [("rank", {"maximum": 4}, EVER), ("fused_activation", {"allow": ["NONE"]}, EVER)],
    "SUB": [("rank", {"maximum": 4}, EVER), ("fused_activation", {"allow": ["NONE"]}, EVER)],
    "DIV": [("rank", {"maximum": 4}, EVER)],
    "SQUARED_DIFFERENCE": [("rank", {"maximum": 4}, EVER)],
    "ARG_MAX": [("tensor_types", {"of": "output0", "types": ["int32"]}, EVER)],
    "AVERAGE_POOL_2D": [("window_area", {"maximum": 256}, EVER)],
    "L2_POOL_2D": [("fused_activation", {"allow": ["NONE"]}, (27, 28))],
    "CONV_2D": [
        ("operand_count", {"allow": [3]}, EVER), ("no_hybrid_weights", {}, (27, 28)), ("per_tensor", {"of": "input1"}, (27, 28)),
        ("option_one_of", {"option": "dilation_w_factor"}, (27, 28)), ("ungrouped_convolution", {}, (27, 28)),
        ("product_below_output_scale", {}, (27, 28)),
    ],
    "DEPTHWISE_CONV_2D": [("option_one_of", {"option": "dilation_h_factor"}, (27, 28)), ("product_below_output_scale", {}, (27, 28))],
    "FULLY_CONNECTED": [
        ("no_hybrid_weights", {}, (27, 28)), ("product_below_output_scale", {}, (27, 28)),
        ("option_one_of", {"option": "keep_num_dims", "allow": [False]}, (27, 29)),
    ],
    "SOFTMAX": [("rank_one_of", {"ranks": [2, 4]}, (27, 28)), ("tensor_types", {"of": "output0"}, EVER)],
    "RESHAPE": [("rank", {"maximum": 4}, EVER), ("constant_operand", {"place": 1}, EVER)],
    "RESIZE_BILINEAR": [
        ("rank", {"minimum": 4, "maximum": 4}, EVER), ("square_image", {"of": "output0"}, (27, 28)),
        ("option_one_of", {"option": "align_corners"}, (27, 29)), ("option_one_of", {"option": "half_pixel_centers"}, (27, 29)),
    ],
    "RESIZE_NEAREST_NEIGHBOR": [("option_one_of", {"option": "align_corners"}, (27, 29)), ("constant_operand", {"place": 1}, EVER)],
    "SQUEEZE": [("option_given", {"option": "squeeze_dims"}, (27, 28))],
    "UNIDIRECTIONAL_SEQUENCE_LSTM": [("no_hybrid_weights", {}, EVER), ("operand_count", {"allow": [20, 24]}, EVER)],
    "RNN": [("operand_count", {"allow": [5]}, EVER)],
    "SVDF": [("operand_count", {"allow": [5]}, EVER)],
    "LSTM": [("no_hybrid_weights", {}, (27, 28)), ("operand_count", {"allow": [5, 20]}, (27, 28)), ("operand_count", {"allow": [5, 20, 24]}, (29, 1000008))],
    "L2_NORMALIZATION": [("fused_activation", {"allow": ["NONE"]}, EVER), ("rank", {"minimum": 4}, (27, 28))],
    "LSH_PROJECTION": [("option_one_of", {"option": "type"}, (27, 28))],
    "CONCATENATION": [("fused_activation", {"allow": ["NONE"]}, EVER), ("rank", {"maximum": 4}, EVER), ("same_quantization", {}, (27, 28))],
    "DEQUANTIZE": [("zero_point", {"value": 0}, (29, 29))],
    "DENSIFY": [("constant_operand", {"place": 0}, EVER)],
    "PAD": [("no_empty_dimension", {}, EVER)],
    "PADV2": [("operand_count", {"allow": [2]}, (27, 28)), ("no_empty_dimension", {}, EVER)],
    "BATCH_TO_SPACE_ND": [("constant_values", {"allow": [0]}, EVER), ("constant_operand", {"place": 2}, EVER)],
    "TRANSPOSE": [("constant_operand", {"place": 1}, EVER)],
    "SLICE": [("tensor_types", {"of": "input1", "types": ["int32"]}, EVER), ("tensor_types", {"of": "input2", "types": ["int32"]}, EVER)],
    "TRANSPOSE_CONV": [("constant_operand", {"place": 0}, EVER), ("constant_operand", {"place": 1}, EVER)],
    "MEAN": [("rank", {"of": "output0", "minimum": 1}, EVER), ("rank", {"of": "input0", "maximum": 4}, EVER)],
    "MAXIMUM": [("scalar_operand_constant", {}, EVER)],
    "TOPK_V2": [("constant_operand", {"place": 1}, EVER)],
    "SELECT": [("same_shape", {"of": ["input0", "input1"]}, EVER)],
    "GATHER": [("tensor_types", {"of": "input1", "types": ["int32"]}, EVER), ("rank", {"of": "input1", "minimum": 1}, EVER)],
    "SPLIT_V": [("constant_at_least", {"minimum": 1}, EVER)],
    "QUANTIZE": [("tensor_types", {"of": "output0", "types": ["uint8"]}, (27, 29)), ("tensor_types", {"of": "output0", "types": ["uint8", "int8"]}, (30, 1000008))],
    "PACK": [("axis_not_last", {}, (27, 31))],
    "UNPACK": [("rank", {"minimum": 2, "maximum": 4}, EVER), ("axis_not_last", {}, EVER)],
    "BATCH_MATMUL": [("same_types", {}, EVER), ("rank", {"minimum": 2, "maximum": 4}, EVER), ("same_shape", {"leading": True}, EVER)],
    "MIRROR_PAD": [("operand_count", {"allow": [2]}, EVER), ("no_empty_dimension", {}, EVER)],
    "REVERSE_V2": [("operand_count", {"allow": [2]}, EVER)],
}  # fmt: skip


@pytest.fixture(scope="module")
def profiles() -> dict[str, TargetProfile]:
    return {level: TargetProfile.load(f"nnapi@{level}") for level in LEVELS}


def at_level(facts: dict[int, str] | str | None, level: int) -> str | None:
    if not isinstance(facts, dict):
        return facts
    reached = [since for since in facts if since <= level]
    return facts[max(reached)] if reached else None


def types_of_input(support: OpSupport) -> set[str] | None:
    for use in support.rules:
        if use.rule == "tensor_types" and use.parameters["of"] == "input0":
            return set(use.parameters["types"])
    return None


def test_the_levels_are_those_of_android_and_the_later_feature_levels(profiles):
    assert profiles["27"].parameter.values == LEVELS


def test_the_profile_takes_the_operators_of_the_table_and_no_others(profiles):
    assert set(profiles["30"].ops) == set(FACTS)


@pytest.mark.parametrize("op", FACTS)
def test_every_operator_has_its_levels_version_and_types(profiles, op):
    since, version, types = FACTS[op]
    for level, profile in profiles.items():
        rules = {use.rule: use.parameters for use in profile.ops[op].rules}
        assert ("refused" in rules) == (int(level) < since), f"{op} at level {level}"
        assert rules.get("op_version", {}).get("maximum") == version
        expected = at_level(types, int(level))
        if int(level) >= since:
            assert types_of_input(profile.ops[op]) == (None if expected is None else set(expected.split())), (
                f"{op} at {level}"
            )


@pytest.mark.parametrize("op", RULES)
def test_every_rule_of_an_operator_counts_at_its_levels_only(profiles, op):
    for level, profile in profiles.items():
        uses = [(use.rule, use.parameters) for use in profile.ops[op].rules]
        for rule, marks, (first, last) in RULES[op]:
            found = [name for name, given in uses if name == rule and marks.items() <= given.items()]
            assert bool(found) == (first <= int(level) <= last), f"{op}: {rule} {marks} at level {level}"


@pytest.mark.parametrize("level", LEVELS)
def test_16_bit_activations_are_refused_for_every_operator(profiles, level):
    (use,) = profiles[level].every_op
    assert (use.rule, use.when_types) == ("refused", ("int16",))
