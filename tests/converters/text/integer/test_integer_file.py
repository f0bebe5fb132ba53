"""Integer files of small models: what is in them, where they run, and how near they are to float."""

import hashlib
import importlib.util
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from hypothesis import given, settings

from litesmith.converters.editing import ModelEditor
from litesmith.converters.huggingface import load_text_model
from litesmith.converters.label import judge, prove_integer_only
from litesmith.converters.op_versions import needed_ops
from litesmith.converters.runtime_versions import oldest_runtime
from litesmith.converters.text.integer.calibrate import observe
from litesmith.converters.text.integer.from_model import network_of
from litesmith.converters.text.integer.integer_operations import IntegerOperations
from litesmith.converters.text.integer.massive import parts
from litesmith.converters.text.integer.noise import Noise
from litesmith.converters.text.integer.program import Program
from litesmith.converters.text.integer.quantize import quantize_text
from litesmith.converters.text.integer.rewrites import FITTING, STRUCTURE
from litesmith.converters.tflite_model import TFLiteModel
from tests.converters.text.integer.small_text_models import (
    END,
    HEADS,
    Running,
    at_tokens,
    cosines,
    drawn,
    in_float,
    mobile,
    models,
    texts,
    with_large_channels,
    with_weights,
)
from tests.golden.make_text_checkpoints import CASES, LENGTH, write_checkpoint

# Random weights are harder on 8 bits than trained ones: this is what the worst of the cases keeps. Few logits may all
# be near 0, so that only the error of all of them together says something; it is 18% of their size at most.
COSINE, DECIBELS = 0.995, 15.0


def made(model, **options):
    return quantize_text(model, texts(model, 48), **options)


def compared(model, made, delegate="xnnpack", ids=None):
    """What the file and float32 say of new texts, at tokens."""
    ids = texts(model, 32, seed=9) if ids is None else ids
    wanted = in_float(network_of(model), ids)
    found = Running(made.content, delegate)(ids)[:, : wanted.shape[1]]
    return at_tokens(model, ids, wanted), at_tokens(model, ids, found)


def assert_near(wanted, found):
    noise = Noise()
    noise.add(wanted, found)
    assert noise.decibels > DECIBELS
    if wanted.shape[1] > 3:  # an embedding
        assert cosines(wanted, found).mean() > COSINE


@pytest.fixture(scope="module")
def files():
    """A model with each head, and its file."""
    return {name: (model, made(model)) for name, head in HEADS.items() for model in [drawn(head)]}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_every_family_and_head_has_a_file_without_float_that_is_near_to_float(case, tmp_path):
    model = load_text_model(write_checkpoint(tmp_path / "checkpoint", case), length=LENGTH)
    file = made(model)
    written = TFLiteModel(file.content)
    prove_integer_only(written, allow_float_io=False)
    assert [tensor.name for tensor in written.inputs] == ["ids"]
    assert {tensor.dtype for tensor in written.inputs} == {"int32"}
    assert {tensor.dtype for tensor in written.outputs} == {"int8"}
    assert_near(*compared(model, file))


@pytest.mark.parametrize("delegate", ["xnnpack", "none"])
@pytest.mark.parametrize("head", HEADS)
def test_every_head_runs_with_and_without_the_delegate(head, delegate, files):
    model, file = files[head]
    assert_near(*compared(model, file, delegate))


@pytest.mark.parametrize("changes", [
    {"norm": "pre"}, {"norm": "pre", "activation": "relu"}, {"activation": "gelu_tanh"}, {"activation": "silu"},
    {"activation": "tanh"}, {"embedding": 10, "heads": (1, 5, 3), "intermediate": (9, 40, 14)},
], ids=str)  # fmt: skip
@pytest.mark.parametrize("wide", [0, 2, 12])
def test_every_arrangement_is_near_to_float_with_any_number_of_wide_rows(changes, wide):
    model = drawn(**changes)
    file = made(model, wide=wide)
    assert file.rows == parts(wide, 12)
    assert_near(*compared(model, file))


@pytest.mark.parametrize("changes", [
    {}, {"bottleneck_attention": True}, {"stacked": 0}, {"stacked": 3}, {"trigram": False}, {"norm": "post"},
    {"norm": "post", "bottleneck_attention": True}, {"bottleneck": 0, "heads": (4, 4)},
], ids=str)  # fmt: skip
@pytest.mark.parametrize("wide", [0, 2, 12])
def test_every_form_of_mobilebert_is_near_to_float_with_any_number_of_wide_rows(changes, wide):
    model = mobile(**changes)
    file = made(model, wide=wide)
    verdict = judge(TFLiteModel(file.content))
    assert (verdict.label, file.rows) == ("full-int8-int16", parts(wide, 12))
    assert "no tensor is float" in verdict.reason
    assert_near(*compared(model, file))


@pytest.mark.parametrize("delegate", ["xnnpack", "none"])
@pytest.mark.parametrize("head", HEADS)
def test_mobilebert_runs_with_every_head_with_and_without_the_delegate(head, delegate):
    model = mobile(HEADS[head])
    # Texts of the calibration: sums without normalisation carry a rare new text out of the ranges.
    assert_near(*compared(model, made(model), delegate, texts(model, 48)))


@pytest.mark.parametrize(("norm", "label"), [("affine", "full-int8"), ("post", "full-int8-int16")])
def test_without_normalisation_or_pooling_nothing_needs_int16(norm, label):
    model = mobile(HEADS["token"], norm=norm)
    assert judge(TFLiteModel(made(model, wide=0).content)).label == label


def test_channels_thirty_times_as_large_between_layers_cost_nothing():
    model = mobile(HEADS["token"], stacked=3)
    factors = np.ones(24)
    factors[[4, 17]] = 30
    larger = with_large_channels(model, factors)
    ids = texts(model, 8, seed=9)
    np.testing.assert_allclose(*(in_float(network_of(one), ids) for one in (model, larger)), atol=1e-4)
    lost = {}
    for name, one, without in (
        ("even", model, ()), ("large", larger, ()), ("large, one scale", larger, ("scale_sums", "smooth_inputs")),
    ):  # fmt: skip
        noise = Noise()
        noise.add(*compared(one, made(one, without=without)))
        lost[name] = noise.decibels
    assert lost["large"] > lost["even"] - 2
    assert lost["large"] > lost["large, one scale"] + 6


@settings(max_examples=15)
@given(models())
def test_any_encoder_that_is_known_has_a_file_that_runs_without_float(model):
    file = made(model)
    prove_integer_only(TFLiteModel(file.content), allow_float_io=False)
    wanted, found = compared(model, file)
    assert found.shape == wanted.shape
    assert np.isfinite(found).all()


@pytest.mark.parametrize("head", HEADS)
def test_the_same_texts_give_the_same_bytes(head, files):
    model, file = files[head]
    assert hashlib.sha256(made(model).content).digest() == hashlib.sha256(file.content).digest()


def test_the_answer_is_int16_where_it_is_asked_for():
    model = drawn()
    file = made(model, output="int16")
    (output,) = TFLiteModel(file.content).outputs
    assert output.dtype == "int16"
    assert_near(*compared(model, file))


@pytest.mark.parametrize("form", ["post", "pre", "mobile"])
@pytest.mark.parametrize("head", ["mean", "first_unit", "sequence", "token"])
@pytest.mark.parametrize("spread", [1, 12])
def test_what_stands_in_the_padding_never_changes_an_answer(head, form, spread):
    """The row of the padding becomes another one in the file; `spread` sets how far apart scores are.

    With trigrams the padding is the last token's neighbour, and does.
    """
    model = mobile(HEADS[head], trigram=False) if form == "mobile" else drawn(HEADS[head], norm=form)
    kernel = spread * model.weights["layers.0.attention.query.kernel"]
    model = with_weights(model, layers__0__attention__query__kernel=kernel)
    ids = texts(model, 48)
    network = network_of(model)
    for structure in STRUCTURE:
        network = structure(network)
    seen = observe(network, parts(0, 12), ids)
    for fitting in FITTING:
        network = fitting(network, seen)
    answers = []
    for row in (7, 20, 33):
        word = network.word.copy()
        word[model.pad_id] = word[row]
        seen = observe(network, parts(0, 12), ids)
        ops = IntegerOperations(seen, 12, model.pad_id, output="int8")
        content = ops.finish(Program(ops, parts(0, 12)).run(replace(network, word=word)), "test")
        found = Running(content).integers(ids)
        answers.append(found[ids != model.pad_id] if head == "token" else found)
    assert (answers[0] == answers[1]).all()
    assert (answers[0] == answers[2]).all()


@pytest.mark.parametrize("head", HEADS)
def test_a_text_of_padding_alone_has_an_answer(head, files):
    model, file = files[head]
    nothing = np.full((1, model.length), model.pad_id, np.int32)
    for delegate in ("xnnpack", "none"):
        assert np.isfinite(Running(file.content, delegate)(nothing)).all()
    assert np.isfinite(in_float(network_of(model), nothing)).all()


@pytest.mark.parametrize("form", ["post", "mobile"])
def test_token_types_tell_the_texts_of_a_pair_apart(form):
    """As a network in which every place has its type, where the first text of every pair has the same length."""
    model = mobile(HEADS["pairs"]) if form == "mobile" else drawn(HEADS["pairs"])
    ids = texts(model, 8)
    ids[(ids == END) & (np.arange(12) != 6)] = 4
    network = network_of(model)
    first, second = network.types
    by_place = np.where(np.arange(12)[:, None] > 6, second, first)
    placed = replace(network, position=network.position + by_place, types=None, pair_types=None)
    np.testing.assert_allclose(in_float(network, ids), in_float(placed, ids), atol=1e-5)
    one_type = replace(network, position=network.position + first, types=None, pair_types=None)
    assert np.abs(in_float(network, ids) - in_float(one_type, ids)).max() > 0.1


def exploding(factor, model=None):
    """A model in which a feed-forward unit that only the first token's word excites makes its row massive."""
    model = model or drawn(length=16, intermediate=(48, 48), heads=(4, 4))
    word = model.weights["embeddings.word"].copy()
    word[1] *= 4  # the first token of every text, and of no other place
    up = model.weights["layers.0.feed_forward.intermediate.kernel"].copy()
    down = model.weights["layers.0.feed_forward.output.kernel"].copy()
    bias = model.weights["layers.0.feed_forward.intermediate.bias"].copy()
    direction = word[1] - word[1].mean()
    up[:, 5] = 20 * direction / np.linalg.norm(direction)
    bias[5], down[5] = -36, 0
    down[5, 9] = factor
    return with_weights(
        model, embeddings__word=word, layers__0__feed_forward__intermediate__kernel=up,
        layers__0__feed_forward__intermediate__bias=bias, layers__0__feed_forward__output__kernel=down,
    )  # fmt: skip


def first_tokens(model, count, seed):
    ids = texts(model, count, seed=seed)
    rest = ids[:, 1:]
    rest[rest == 1] = 2
    return ids


def test_a_massive_first_row_is_found_and_held():
    model = exploding(12)
    ids, new = first_tokens(model, 48, 1), first_tokens(model, 32, 9)
    found = quantize_text(model, ids)
    assert found.rows == parts(1, 16)
    assert any(getattr(step.branch, "stairs", ()) for step in found.network.steps)
    held = cosines(*compared(model, found, ids=new)).mean()
    narrow = cosines(*compared(model, quantize_text(model, ids, wide=0), ids=new)).mean()
    everything = cosines(*compared(model, quantize_text(model, ids, wide=16), ids=new)).mean()
    assert held > COSINE
    assert narrow < held
    assert everything > held - 0.01


def test_a_massive_first_row_is_found_where_sums_are_not_normalised():
    plain = {"embedding": 24, "trigram": False, "bottleneck": 0, "heads": (4, 4), "intermediate": (48, 48)}
    model = exploding(1, mobile(length=16, stacked=0, **plain))
    found = quantize_text(model, first_tokens(model, 48, 1))
    assert found.rows == parts(1, 16)
    assert cosines(*compared(model, found, ids=first_tokens(model, 32, 9))).mean() > 0.99


def test_without_massive_rows_nothing_is_wide(files):
    assert all(file.rows == parts(0, 12) for _, file in files.values())


@pytest.mark.parametrize("head", HEADS)
def test_the_label_says_that_no_tensor_is_float(head, files):
    verdict = judge(TFLiteModel(files[head][1].content))
    assert verdict.label == "full-int8-int16"
    assert "no tensor is float" in verdict.reason


@pytest.mark.skipif(importlib.util.find_spec("tflite_runtime") is None, reason="tflite-runtime is not installed")
@pytest.mark.parametrize("head", ["mean", "token"])
def test_tflite_runtime_2_14_refuses_the_one_operator_that_the_file_says_is_too_new_for_it(head, files, tmp_path):
    written = TFLiteModel(files[head][1].content)
    assert str(oldest_runtime(needed_ops(written))) == "2.15.0"
    assert "'RSQRT' version '3'" in refusal(files[head][1].content, tmp_path)
    assert refusal(without_inverse_roots(files[head][1].content), tmp_path) == ""


def refusal(content, folder):
    """What tflite-runtime 2.14 says, in a process of its own; nothing where it takes the file."""
    path = folder / "text.tflite"
    path.write_bytes(content)
    code = "import sys; from tflite_runtime.interpreter import Interpreter;Interpreter(sys.argv[1]).allocate_tensors()"
    done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True)
    return done.stderr if done.returncode else ""


def without_inverse_roots(content):
    """The file with every RSQRT made a QUANTIZE, which takes int16 in older runtimes."""
    editor = ModelEditor(content)
    (code,) = [code for code in editor.model.operatorCodes if code.builtinCode == schema.BuiltinOperator.RSQRT]
    code.builtinCode, code.deprecatedBuiltinCode, code.version = schema.BuiltinOperator.QUANTIZE, 114, 2
    return editor.to_bytes()


@pytest.mark.parametrize("wide", [0, 2, 12])
@pytest.mark.parametrize("output", ["int8", "int16"])
@pytest.mark.parametrize("head", ["mean", "sequence"])
def test_nothing_is_widened_by_quantize_which_runtimes_before_litert_2_2_refuse(head, output, wide):
    graph = TFLiteModel(made(drawn(HEADS[head]), wide=wide, output=output).content).main
    for operator in graph.operators:
        if operator.op == "QUANTIZE":
            (source,), (result,) = graph.operands(operator), graph.results(operator)
            assert (source.dtype, result.dtype) != ("int8", "int16")
