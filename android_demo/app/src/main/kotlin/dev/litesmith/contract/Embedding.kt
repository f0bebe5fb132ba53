package dev.litesmith.contract

import kotlin.math.sqrt

/** The cosine of the angle between two embeddings, -1 to 1; 0 where one of them has no length. */
fun cosine(one: FloatArray, other: FloatArray): Double {
    expect(one.size == other.size) { "embeddings of ${one.size} and ${other.size} numbers cannot be compared" }
    val lengths = sqrt(dot(one, one)) * sqrt(dot(other, other))
    expect(!lengths.isNaN()) { "the model gave NaN" }
    return if (lengths > 0) (dot(one, other) / lengths).coerceIn(-1.0, 1.0) else 0.0
}

private fun dot(one: FloatArray, other: FloatArray): Double = one.indices.sumOf { one[it].toDouble() * other[it] }
