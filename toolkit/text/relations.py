"""Learning how tokens relate in the last layer (MiniLM, arXiv 2002.10957; of any number of heads: 2012.15828)."""

from __future__ import annotations

from typing import Any

from litesmith.converters.backend import tensorflow
from litesmith.errors import CompressionError
from litesmith.text.forward import split_heads
from litesmith.text.hidden import over_tokens

MOST_HEADS = 12
_MASKED = -1e4
Projected = tuple[Any, Any, Any]


def relation_heads(student: int, teacher: int) -> int:
    """In how many parts both widths are cut: the largest number up to 12 that divides both."""
    return max(count for count in range(1, MOST_HEADS + 1) if student % count == 0 and teacher % count == 0)


def loss(student: Projected, teacher: Projected, mask: Any) -> Any:
    """KL(teacher || student) of query-key and value-value relations, mean over heads and tokens; (N,).

    Args:
        student: queries, keys and values of the last layer, (N, L, Ws) each.
        teacher: likewise, (N, L, Wt).
        mask: 1 at tokens that count, (N, L); a sample counts with all its tokens or not at all.

    Raises:
        CompressionError: queries and values differ in width.
    """
    if student[0].shape[-1] != student[2].shape[-1]:
        raise CompressionError("queries and values of different widths have no common relations", stage="student")
    heads = relation_heads(student[0].shape[-1], teacher[0].shape[-1])
    (q, k, v), (tq, tk, tv) = student, teacher
    return _divergence((tq, tk), (q, k), heads, mask) + _divergence((tv, tv), (v, v), heads, mask)


def _divergence(teacher: tuple[Any, Any], student: tuple[Any, Any], heads: int, mask: Any) -> Any:
    tf = tensorflow()
    theirs, ours = _log_relation(*teacher, heads, mask), _log_relation(*student, heads, mask)
    divergence = tf.reduce_sum(tf.exp(theirs) * (theirs - ours), axis=-1)  # (N, heads, L)
    return over_tokens(tf.reduce_mean(divergence, axis=1), mask)


def _log_relation(one: Any, other: Any, heads: int, mask: Any) -> Any:
    tf = tensorflow()
    one, other = split_heads(one, heads), split_heads(other, heads)
    scores = tf.matmul(one, other, transpose_b=True) * one.shape[-1] ** -0.5
    return tf.nn.log_softmax(scores + (1.0 - mask[:, None, None, :]) * _MASKED)
