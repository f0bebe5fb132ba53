package dev.litesmith.contract

import kotlin.math.exp

/** What the model says: the class of the largest logit, and a probability for each label. */
data class Prediction(val index: Int, val labels: List<String>, val probabilities: List<Float>) {
    val label: String get() = labels[index]

    /** Labels with their probabilities, the most probable first. */
    val labelled: List<Pair<String, Float>> get() = labels.zip(probabilities).sortedByDescending { it.second }

    companion object {
        /** From logits; of equal ones the first wins, as in Python's `argmax`. */
        fun of(logits: FloatArray, labels: List<String>): Prediction {
            expect(logits.size == labels.size) { "the model gave ${logits.size} values for ${labels.size} labels" }
            expect(logits.all(Float::isFinite)) { "the model gave NaN or infinity" }
            val index = logits.indices.maxByOrNull { logits[it] } ?: throw BadInput("there are no labels")
            return Prediction(index, labels, softmax(logits))
        }
    }
}

private fun softmax(logits: FloatArray): List<Float> {
    // The largest is taken off first: exp of a large number is infinite.
    val largest = logits.maxOrNull() ?: return emptyList()
    val powers = logits.map { exp((it - largest).toDouble()) }
    val sum = powers.sum()
    return powers.map { (it / sum).toFloat() }
}
