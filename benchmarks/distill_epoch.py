"""An epoch of distillation on cached logits against an epoch of plain training, interleaved.

Usage: python benchmarks/distill_epoch.py [--rounds 7]

Prints the median seconds of an epoch for plain training, distillation on cached logits, and distillation that
asks the teacher at every step (what the cache saves), and the ratios to plain training.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from litesmith.augment import shifted_views
from litesmith.converters.backend import tensorflow, tf_keras
from litesmith.data import load_dataset
from litesmith.distill import cross_entropy, distillation_loss, pack_targets
from litesmith.train import seed_everything
from litesmith.training_specs import DistillSpec
from litesmith.zoo import digits_student, digits_teacher

BATCH = 64
VIEWS = 4


def main() -> None:
    """Time the three kinds of epoch in turn and print ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7, help="epochs of each kind (7)")
    rounds = parser.parse_args().rounds
    digits = load_dataset("digits", base=Path(), image_shape=None, scale=None, offset=None)
    x, y = shifted_views(digits.x, digits.y, views=VIEWS, pixels=1, seed=0)
    seed_everything(0)
    teacher = digits_teacher(x.shape[1:], 10)
    spec = DistillSpec()
    targets = pack_targets(y, teacher.predict(x, batch_size=256, verbose=0), spec)
    epochs = {
        "plain": plain_epoch(x, y, cross_entropy),
        "cached": plain_epoch(x, targets, distillation_loss(spec)),
        "per step": per_step_epoch(x, y, teacher, spec),
    }
    for run in epochs.values():
        run()  # traces the graph
    seconds: dict[str, list[float]] = {name: [] for name in epochs}
    for _ in range(rounds):
        for name, run in epochs.items():
            start = time.perf_counter()
            run()
            seconds[name].append(time.perf_counter() - start)
    base = statistics.median(seconds["plain"])
    for name, values in seconds.items():
        median = statistics.median(values)
        print(f"{name:>9}: {median:.3f} s an epoch, {median / base:.3f} x plain training")


def plain_epoch(x: Any, y: Any, loss: Callable[[Any, Any], Any]) -> Callable[[], Any]:
    """An epoch of `fit` as every training stage runs it."""
    model = digits_student(x.shape[1:], 10)
    model.compile(tf_keras().optimizers.Adam(1e-3), loss)
    return lambda: model.fit(x, y, batch_size=BATCH, epochs=1, verbose=0)


def per_step_epoch(x: Any, y: Any, teacher: Any, spec: DistillSpec) -> Callable[[], Any]:
    """An epoch that runs the teacher again at every step."""
    tf, keras = tensorflow(), tf_keras()
    loss = distillation_loss(spec)

    class Distiller(keras.Model):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.student = digits_student(x.shape[1:], 10)

        def train_step(self, data: Any) -> dict[str, Any]:
            samples, labels = data
            logits = teacher(samples, training=False)
            packed = tf.concat([tf.cast(labels, tf.float32)[:, None], logits], axis=1)
            with tf.GradientTape() as tape:
                value = tf.reduce_mean(loss(packed, self.student(samples, training=True)))
            variables = self.student.trainable_variables
            self.optimizer.apply_gradients(zip(tape.gradient(value, variables), variables, strict=True))
            return {"loss": value}

    model = Distiller()
    model.compile(keras.optimizers.Adam(1e-3))
    return lambda: model.fit(x, y, batch_size=BATCH, epochs=1, verbose=0)


if __name__ == "__main__":
    main()
