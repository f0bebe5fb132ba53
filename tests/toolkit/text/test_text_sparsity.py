"""Zeros in a text encoder by TFMOT: by magnitude, and two of each four."""

import numpy as np
import pytest

from litesmith import distill
from litesmith.converters.text.encoder import build_encoder, read_encoder
from litesmith.errors import CompressionError
from litesmith.prune import prune
from litesmith.text.predict import predict
from litesmith.train import seed_everything
from litesmith.training_specs import PruneSpec, TrainSpec

TRAIN = TrainSpec(2, 1e-3, 16)


@pytest.mark.parametrize("spec", [PruneSpec(TRAIN, sparsity=0.75), PruneSpec(TRAIN, pattern="2:4")], ids=["75%", "2:4"])
def test_dense_layers_get_their_zeros_and_come_back_as_a_text_model(make_text_model, make_ids, spec):
    model, ids = make_text_model(), make_ids(64)
    seed_everything(1)
    y = (ids[:, 1] > 20).astype(np.int64)
    pruned, layers = prune(build_encoder(model), ids, y, distill.cross_entropy, spec, on_event=lambda _: None)
    found = read_encoder(pruned, model)
    assert len(layers) == 14
    for layer in layers:
        kernel = found.weights[f"{layer.layer}.kernel"]
        assert np.mean(kernel == 0) >= layer.asked - 0.01
        if spec.pattern:
            assert ((kernel.T.reshape(-1, 4) == 0).sum(axis=1) >= 2).all()
    assert not (found.weights["embeddings.word"] == 0).any()
    np.testing.assert_allclose(predict(found, ids), pruned.predict(ids, verbose=0), atol=1e-5)
    assert not any((array == 0).all() for name, array in model.weights.items() if name.endswith("kernel"))


def test_a_pattern_that_no_layer_can_have_is_refused(make_text_model, make_ids):
    model = make_text_model(hidden=10, embedding=10, heads=(1, 1), head_size=6, intermediate=(6, 6))
    spec = PruneSpec(TRAIN, pattern="2:4")
    with pytest.raises(CompressionError, match="no Conv2D or Dense layer is left"):
        prune(build_encoder(model), make_ids(8), np.zeros(8), distill.cross_entropy, spec, on_event=lambda _: None)
