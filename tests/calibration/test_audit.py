"""The audit on real digits: nothing to say about good ones, and every deliberate mistake found, named and mended."""

import re
import zipfile

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier

from litesmith.calibration.audit import AuditedModel, audit
from litesmith.calibration.audit_content import sample_digests
from litesmith.calibration.audit_finding import AuditFinding, Expected, ModelInput
from litesmith.calibration.audit_scale import CONVENTIONS, check_expected, check_trained_on, conversions
from litesmith.calibration.audit_scores import check_scores
from litesmith.calibration.audit_stability import SampleLimits, check_stability
from litesmith.calibration.expose import expose
from litesmith.calibration.sources import RawData

DIGITS = load_digits()
IMAGES = (DIGITS.images / 16).astype(np.float32)[..., None]
LABELS = DIGITS.target
# Every class, no image twice.
GOOD = np.arange(120)


def raw(x, labels=None, names=None, source="samples"):
    return RawData(x if isinstance(x, dict) else {"x": x}, labels, names, source)


def single(findings, check):
    return next(finding for finding in findings if finding.check == check)


def checks(findings):
    return {finding.check for finding in findings}


@pytest.fixture(scope="module")
def classifier(golden):
    """The golden 8x8 classifier; its weights are random, so its scores say nothing."""
    content = (golden / "float32.tflite").read_bytes()
    exposed = expose(content)
    inputs = tuple(ModelInput(one.names, one.shape, "float32") for one in exposed.inputs)
    return AuditedModel(content, inputs, exposed.names, exposed.tensors[-1], 10)


def test_good_data_pass(classifier):
    digits = raw(IMAGES[GOOD], LABELS[GOOD])
    assert audit(classifier, digits, trained_on=raw(IMAGES[300:600]), test=raw(IMAGES[600:])) == ()


def damaged(change):
    x = IMAGES[GOOD].copy()
    return change(x)


def with_nan(x):
    x[3, 0, 0] = np.nan
    x[5] = np.inf
    return x


def with_copies(x):
    x[20:40] = x[:20]
    return x


def with_blanks(x):
    x[[4, 7]] = 0.5
    return x


@pytest.mark.parametrize(
    ("change", "check", "severity", "fix"),
    [
        (with_nan, "finite", "error", "repair"),
        (lambda x: x.astype(np.float64), "dtype", "warning", "float32"),
        (lambda x: (x * 16).astype(np.uint8), "dtype", "error", "--scale"),
        (lambda x: x > 0.5, "dtype", "error", "float32"),
        (lambda x: x.astype("U8"), "dtype", "error", "float32"),
        (lambda x: x[..., 0], "shape", "error", "x[..., None]"),
        (lambda x: x[0], "shape", "error", "x[None]"),
        (lambda x: x.transpose(0, 3, 1, 2), "shape", "error", "x.transpose(0, 2, 3, 1)"),
        (lambda x: x[:, None], "shape", "error", "x[:, 0]"),
        (lambda x: x[:, :5], "shape", "error", "reshape"),
        (lambda x: x[:0], "samples", "error", "100"),
        (lambda x: {"picture": x}, "names", "error", "rename 'picture' to 'image'"),
        (lambda x: np.repeat(x[:1], 50, axis=0), "duplicates", "error", "buffer"),
        (with_copies, "duplicates", "warning", "without replacement"),
        (lambda x: np.concatenate([x, x[:2]]), "duplicates", "info", "without replacement"),
        (with_blanks, "constant", "warning", "blank"),
        (lambda x: np.ones_like(x), "constant", "error", "blank"),
        (lambda x: x[:1], "stability", "error", "100"),
        (lambda x: x[:6], "stability", "error", "would likely do"),
        (lambda x: x[:30], "stability", "warning", "would likely do"),
    ],
)
def test_a_mistake_is_found_with_its_fix(classifier, change, check, severity, fix):
    finding = single(audit(classifier, raw(damaged(change))), check)
    assert finding.severity == severity and fix in finding.fix and finding.evidence


def test_every_problem_is_reported_at_once_and_the_worst_first(classifier):
    x = np.concatenate([with_nan(IMAGES[GOOD].copy()), IMAGES[10:30]]).astype(np.float64)
    findings = audit(classifier, raw({"picture": x}, np.full(140, 3)), test=raw(IMAGES[:5]))
    assert {"names", "finite", "dtype", "duplicates", "classes", "overlap"} <= checks(findings)
    severities = [finding.severity for finding in findings]
    assert severities == sorted(severities, key=("error", "warning", "info").index)


def test_nan_is_counted_and_placed(classifier):
    evidence = single(audit(classifier, raw(with_nan(IMAGES[GOOD].copy()))), "finite").evidence
    assert (evidence["samples"], evidence["affected"]) == ([3, 5], 2)
    assert (evidence["nan"], evidence["infinite"]) == (1, 64)


def test_a_float64_beyond_float32_counts_as_infinite(classifier):
    x = IMAGES[GOOD].astype(np.float64)
    x[9, 1, 1] = 1e300
    assert single(audit(classifier, raw(x)), "finite").evidence["samples"] == [9]


@pytest.mark.parametrize(
    ("labels", "names", "severity", "evidence"),
    [
        (np.minimum(LABELS[GOOD], 7), None, "warning", {"missing": [8, 9]}),
        (np.minimum(LABELS[GOOD], 7), tuple("abcdefghij"), "warning", {"missing": ["i", "j"]}),
        (LABELS[GOOD] + 1, None, "error", {"labels": [10]}),
        (LABELS[:100], None, "error", {"labels": 100, "samples": 120}),
    ],
)
def test_labels_that_lack_classes_or_do_not_fit(classifier, labels, names, severity, evidence):
    finding = single(audit(classifier, raw(IMAGES[GOOD], labels, names)), "classes")
    assert finding.severity == severity and evidence.items() <= finding.evidence.items()


def test_overlap_with_the_test_split_is_found_in_another_type(classifier):
    pixels = (IMAGES * 16).astype(np.uint8)
    finding = single(audit(classifier, raw(IMAGES[GOOD] * 16), test=raw(pixels[115:200])), "overlap")
    assert finding.evidence["shared"] == 5 and finding.evidence["samples"] == [115, 116, 117, 118, 119]


@pytest.mark.parametrize("test", [IMAGES[200:300, :, :, 0], IMAGES[:0], {"a": IMAGES[:3], "b": IMAGES[:3]}])
def test_a_test_split_that_cannot_be_compared_is_not_passed_over(classifier, test):
    finding = single(audit(classifier, raw(IMAGES[GOOD]), test=raw(test)), "overlap")
    assert finding.severity == "error" and "nothing was compared" in finding.message


@pytest.mark.parametrize(
    ("scale", "offset"),
    [(255, 0), (2, -1), (1 / 255, 0), (127.5, 127.5), (16, 0)],
)
def test_another_scale_than_in_training_is_found_and_undone(classifier, scale, offset):
    given = (IMAGES[GOOD] * scale + offset).astype(np.float32)
    finding = single(audit(classifier, raw(given), trained_on=raw(IMAGES[300:600])), "scale")
    assert finding.severity == "error" and finding.evidence["given"]["max"] == pytest.approx(scale + offset)
    numbers = [float(number) for number in re.findall(r"x \* (\S+)(?: \+ ([-\d.e]+))?", finding.fix)[0] if number]
    undone = given * numbers[0] + (numbers[1] if len(numbers) > 1 else 0)
    assert check_trained_on("x", undone.astype(np.float32), IMAGES[300:600]) == ()


def test_training_data_of_another_shape_are_not_passed_over(classifier):
    finding = single(audit(classifier, raw(IMAGES[GOOD]), trained_on=raw(IMAGES[300:600, :4])), "trained_on")
    assert finding.severity == "error" and finding.evidence["given"]["x"] == [300, 4, 8, 1]


def test_damaged_training_samples_are_counted_and_the_others_compared(classifier):
    reference = IMAGES[300:600].copy()
    reference[3, 2, 2] = np.nan
    reference[7, 0, 0] = np.inf
    findings = audit(classifier, raw(IMAGES[GOOD] * 255), trained_on=raw(reference))
    assert single(findings, "trained_on").evidence == {"damaged": 2, "samples": 300}
    assert "scale" in checks(findings)


def test_swapped_channels_are_found_even_on_another_scale():
    random = np.random.default_rng(0)
    means = np.array([0.55, 0.48, 0.42])
    brightness = random.uniform(-0.3, 0.3, (400, 1, 1, 1))
    images = (means + brightness + random.normal(0, 0.1, (400, 8, 8, 3))).astype(np.float32)
    trained, fresh = images[:200], images[200:]
    assert check_trained_on("x", fresh, trained) == ()
    for wrong in (fresh[..., ::-1], fresh[..., ::-1] * np.float32(255)):
        finding = single(check_trained_on("x", wrong, trained), "channels")
        assert finding.severity == "error" and "x[..., [2, 1, 0]]" in finding.fix
    rotated = single(check_trained_on("x", fresh[..., [1, 2, 0]], trained), "channels")
    np.testing.assert_array_equal(fresh[..., [1, 2, 0]][..., rotated.evidence["order"]], fresh)


@pytest.mark.parametrize(
    ("center", "spread", "wrong"),
    [
        ((0.0,), (255.0,), 1 / 255),
        ((127.5,), (127.5,), 1 / 255),
        ((127.5,), (127.5,), 255),
        ((125.0,), (62.0,), 1 / 255),
    ],
)
def test_values_that_were_scaled_before_a_model_that_scales_itself(center, spread, wrong):
    one = ModelInput(("image",), (1, 8, 8, 1), "float32", Expected(center, spread, "the model starts with MUL"))
    pixels = IMAGES[GOOD] * np.float32(255)
    assert check_expected(one, pixels) == ()
    (finding,) = check_expected(one, pixels * np.float32(wrong))
    assert (finding.check, finding.severity) == ("scale", "error") and "MUL" in finding.message


@pytest.fixture(scope="module")
def learned():
    """Class probabilities of a softmax that was trained on the digits in 0..255."""
    model = LogisticRegression(max_iter=2000).fit(IMAGES[:1000].reshape(1000, -1), LABELS[:1000])
    return lambda x: model.predict_proba(x.reshape(len(x), -1) / 255)


HELD_OUT = IMAGES[1000:1200] * np.float32(255)


@pytest.mark.parametrize("labels", [None, LABELS[1000:1200]])
def test_scores_are_content_with_the_scale_of_training(learned, labels):
    assert check_scores("x", HELD_OUT, labels, learned) == ()


def test_scores_tell_values_that_are_far_too_small(learned):
    (finding,) = check_scores("x", HELD_OUT / 255, None, learned)
    assert finding.severity == "error" and "--scale 255" in finding.fix
    assert finding.evidence["as_given"]["information"] < 0.03 < finding.evidence["changed"]["information"]


def test_scores_tell_values_that_are_far_too_large(learned):
    (finding,) = check_scores("x", HELD_OUT, None, lambda x: learned(x * 255))
    assert finding.severity == "warning" and "saturate" in finding.message and "0..1" in finding.fix


def test_labels_tell_what_scores_alone_do_not():
    # The nearest digit is another one once all pixels are brighter, but the scores are as sure as ever.
    signed = IMAGES * np.float32(2) - np.float32(1)
    nearest = KNeighborsClassifier(1).fit(signed[:1000].reshape(1000, -1), LABELS[:1000])

    def run(x):
        return nearest.predict_proba(x.reshape(len(x), -1))

    fresh, labels = slice(1000, 1200), LABELS[1000:1200]
    (finding,) = check_scores("x", IMAGES[fresh], labels, run)
    assert finding.severity == "error" and "brought to -1..1" in finding.message
    assert finding.evidence["changed"]["accuracy"] > finding.evidence["as_given"]["accuracy"] + 0.1
    assert check_scores("x", IMAGES[fresh], None, run) == check_scores("x", signed[fresh], labels, run) == ()


def test_logits_are_scores_too(learned):
    def logits(x):
        return np.log(learned(x) + 1e-30)

    assert check_scores("x", HELD_OUT, None, logits) == ()
    (finding,) = check_scores("x", HELD_OUT / 255, None, logits)
    assert (finding.check, finding.severity) == ("scale", "warning")


def test_a_model_that_knows_nothing_is_no_witness(classifier):
    assert audit(classifier, raw(IMAGES[GOOD], LABELS[GOOD])) == ()
    (finding,) = audit(classifier, raw(IMAGES[GOOD]))
    assert (finding.check, finding.severity) == ("scale", "warning")


def test_reversed_channels_are_told_by_labels():
    random = np.random.default_rng(0)
    labels = random.integers(0, 3, 100)
    images = (random.uniform(0, 0.5, (100, 4, 4, 3)) + 0.5 * np.eye(3)[labels][:, None, None]).astype(np.float32)

    def brightest(x):
        return x.mean(axis=(1, 2))

    assert check_scores("x", images, labels, brightest) == ()
    (finding,) = check_scores("x", images[..., ::-1], labels, brightest)
    assert (finding.check, finding.severity) == ("channels", "error") and "x[..., ::-1]" in finding.fix


@given(st.floats(-1000, 1000), st.floats(1e-3, 1000))
def test_conversions_bring_the_seeming_range_to_each_convention(low, width):
    for name, (scale, offset) in conversions(low, low + width).items():
        first, last = CONVENTIONS[name]
        tolerance = (last - first) * 2e-3
        assert (
            scale > 0 and first - tolerance <= low * scale + offset < (low + width) * scale + offset <= last + tolerance
        )


@given(arrays.arrays(np.uint8, (3, 2, 2)))
def test_equal_numbers_have_equal_digests_in_any_type(pixels):
    plain = sample_digests({"x": pixels})
    for dtype in (np.int32, np.int64, np.float32, np.float64):
        assert sample_digests({"x": pixels.astype(dtype)}) == plain
    assert (plain[0] == plain[1]) == np.array_equal(pixels[0], pixels[1])


def limits_of(values):
    observer = SampleLimits()
    observer.update(values.astype(np.float32))
    return observer


def test_the_number_of_samples_that_would_do_is_about_right():
    random = np.random.default_rng(3)
    small = check_stability([("relu", limits_of(random.exponential(size=(20, 50)))) for _ in range(5)])
    needed = single(small, "stability").evidence["needed"]
    assert 40 < needed < 300
    assert check_stability([("relu", limits_of(random.exponential(size=(2 * needed, 50)))) for _ in range(5)]) == ()


@settings(max_examples=30)
@given(st.integers(40, 400), st.floats(0.1, 1e4), st.integers(0, 2**32 - 1))
def test_fresh_samples_leave_a_range_no_more_often_than_chance_allows(count, spread, seed):
    values = np.random.default_rng(seed).normal(0, spread, (count, 6))
    for finding in check_stability([("x", limits_of(values))]):
        # 2 / (m + 1) for m samples is the mean over all data; single data sets scatter around it.
        assert finding.check == "stability" and finding.evidence["worst"] <= 3 * 2 / (count // 2 + 1)


def test_an_activation_that_never_changes_is_named():
    limits = [
        ("alive;fused", limits_of(np.random.default_rng(0).normal(size=(200, 4)))),
        ("dead", limits_of(np.ones((200, 4)))),
    ]
    finding = single(check_stability(limits), "dead")
    assert finding.evidence["constant"] == 1 and finding.evidence["tensors"] == [{"name": "dead", "value": 1.0}]


def test_activations_that_overflow_are_an_error(classifier):
    finding = single(audit(classifier, raw(IMAGES[GOOD] * np.float32(3e38))), "activations")
    assert finding.severity == "error" and "infinity" in finding.message


@pytest.fixture(scope="module")
def two_inputs(classifier):
    """Two inputs of different shapes; its model is never run, because no data here can be fed to it."""
    image, context = (1, 8, 8, 1), (1, 4)
    inputs = (ModelInput(("image",), image, "float32"), ModelInput(("context",), context, "float32"))
    return AuditedModel(classifier.content, inputs, classifier.tensors)


def test_swapped_inputs_are_put_in_order(two_inputs):
    context = np.random.default_rng(0).normal(size=(120, 4)).astype(np.float32)
    findings = audit(two_inputs, raw({"image": context, "context": IMAGES[GOOD]}))
    assert (
        single(findings, "order").fix == "give as 'image' what is now 'context', give as 'context' what is now 'image'"
    )
    assert "shape" not in checks(findings)


def test_names_are_told_apart_by_shape(two_inputs):
    context = np.random.default_rng(0).normal(size=(110, 4)).astype(np.float32)
    findings = audit(two_inputs, raw({"image": IMAGES[GOOD], "extra": context}))
    assert single(findings, "names").fix == "rename 'extra' to 'context'"
    assert single(findings, "samples").evidence == {"image": 120, "extra": 110}


def test_a_graph_that_cannot_be_batched_is_a_note(builder):
    # A sum over the batch axis mixes samples.
    axis = builder.tensor("axis", (1,), np.array([0], np.int32), dtype="INT32")
    x, y = builder.tensor("x", (1, 4)), builder.tensor("y", (4,))
    builder.op("SUM", [x, axis], [y], schema.ReducerOptionsT())
    content = builder.ends([x], [y]).content()
    model = AuditedModel(content, (ModelInput(("x",), (1, 4), "float32"),), ("axis", "x", "y"))
    findings = audit(model, raw(np.random.default_rng(0).normal(size=(100, 4)).astype(np.float32)))
    note = single(findings, "batch")
    assert note.severity == "info" and "one sample at a time" in note.message and note.evidence == {"batch": 1}


DTYPES = st.sampled_from(["float32", "float64", "float16", "uint8", "int64", "bool", "complex64", "U3"])
SHAPES = st.one_of(st.just((4, 8, 8, 1)), arrays.array_shapes(min_dims=1, max_dims=5, min_side=0, max_side=8))


@settings(max_examples=60)
@given(st.data())
def test_no_data_make_it_fail_and_none_that_cannot_be_run_pass(classifier, data):
    x = data.draw(arrays.arrays(data.draw(DTYPES), data.draw(SHAPES)))
    labels = data.draw(st.one_of(st.none(), arrays.arrays(np.int64, st.integers(0, 5))))
    findings = audit(classifier, raw({data.draw(st.sampled_from(["x", "image", "y2"])): x}, labels), test=raw(x))
    fits = x.shape[1:] == (8, 8, 1) and len(x) > 0 and x.dtype.kind == "f"
    assert fits or any(finding.severity == "error" for finding in findings)


def test_a_severity_must_be_a_known_one():
    with pytest.raises(ValueError, match="fatal"):
        AuditFinding("names", "fatal", "", {}, "")


@pytest.mark.parametrize(("center", "spread"), [((0.0,), (0.0,)), ((0.0, 1.0), (1.0,)), ((float("nan"),), (1.0,))])
def test_an_expected_scale_must_make_sense(center, spread):
    with pytest.raises(ValueError):
        Expected(center, spread, "")


def test_the_mlperf_tiny_resnet_takes_pixels_as_they_are(real_data):
    with zipfile.ZipFile(real_data / "cifar10_jpeg" / "cifar10_test.zip") as archive:
        names = sorted(name for name in archive.namelist() if name.endswith(".jpg"))
        chosen = [names[place] for place in np.random.default_rng(0).permutation(len(names))[:360]]
        pixels = np.stack([np.asarray(Image.open(archive.open(name))) for name in chosen]).astype(np.float32)
    classes = sorted({name.split("/")[-2] for name in names})
    labels = np.array([classes.index(name.split("/")[-2]) for name in chosen])
    content = (real_data / "mlperf_tiny" / "ic_resnet8_float.tflite").read_bytes()
    exposed = expose(content)
    inputs = tuple(ModelInput(one.names, one.shape, "float32") for one in exposed.inputs)
    model = AuditedModel(content, inputs, exposed.names, exposed.tensors[-1], 10)
    some, trained = slice(0, 160), raw(pixels[160:])

    assert audit(model, raw(pixels[some], labels[some], tuple(classes)), trained_on=trained) == ()
    assert audit(model, raw(pixels[some], labels[some])) == audit(model, raw(pixels[some])) == ()
    for wrong in (pixels[some] / 255, pixels[some] / np.float32(127.5) - 1):
        for told in ({"labels": labels[some]}, {}):
            assert single(audit(model, raw(wrong, **told)), "scale").severity == "error"
        assert "--scale" in single(audit(model, raw(wrong), trained_on=trained), "scale").fix
    assert checks(audit(model, raw(pixels[some][..., ::-1], labels[some]))) == {"channels"}
    assert checks(audit(model, raw(pixels[some][..., ::-1]), trained_on=trained)) == {"channels"}
    assert single(audit(model, raw(pixels[:8])), "stability").severity == "error"
