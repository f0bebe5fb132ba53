"""AdamW with warm-up, linear decay and clipping, as BERT is fine-tuned (arXiv 1810.04805, A.3; 1711.05101)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from litesmith.converters.backend import tensorflow, tf_keras
from litesmith.training_specs import TrainSpec

WARM_UP, DECAY, CLIP = 0.1, 0.01, 1.0
# Tables are left out because most of their rows are in no batch: a rare token's would only shrink.
_PLAIN = r"(bias|gamma|beta|embeddings_word)"


def optimizer(spec: TrainSpec, steps: int, variables: Sequence[Any]) -> Any:
    """A Keras optimizer for `steps` steps; biases, norms and the table of tokens do not decay.

    The rate rises over a share of the steps (`warmup`, by default a tenth), then falls to zero in a line. Gradients
    are cut to a joint norm of `clip`.

    Args:
        spec: learning rate, and where they differ from the usual ones `warmup`, `weight_decay` and `clip`.
        steps: of the whole training.
        variables: what is trained.
    """
    keras = tf_keras()
    adam = keras.optimizers.AdamW(
        _schedule(spec, steps),
        weight_decay=DECAY if spec.weight_decay is None else spec.weight_decay,
        global_clipnorm=CLIP if spec.clip is None else spec.clip,
    )
    adam.exclude_from_weight_decay(var_names=[_PLAIN])  # Keras takes this before `build` only
    adam.build(variables)
    return adam


def _schedule(spec: TrainSpec, steps: int) -> Any:
    tf, keras = tensorflow(), tf_keras()
    warm_up = max(1.0, (WARM_UP if spec.warmup is None else spec.warmup) * steps)

    class WarmUpAndLinearDecay(keras.optimizers.schedules.LearningRateSchedule):  # type: ignore[misc, name-defined]
        def __call__(self, step: Any) -> Any:
            now = tf.cast(step, tf.float32)
            rising = (now + 1.0) / warm_up
            falling = (steps - now) / max(1.0, steps - warm_up)
            return spec.learning_rate * tf.maximum(0.0, tf.minimum(rising, falling))

    return WarmUpAndLinearDecay()
