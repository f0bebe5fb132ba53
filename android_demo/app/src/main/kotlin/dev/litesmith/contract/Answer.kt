package dev.litesmith.contract

import dev.litesmith.contract.text.Encoding
import dev.litesmith.contract.text.TextContract
import dev.litesmith.contract.text.Word
import kotlin.math.exp

/**
 * A span of the passage that answers a question; answers.py in Kotlin.
 *
 * @property text what its pieces spell.
 * @property first place of its first piece in the row, and [last] that of its last one.
 * @property score its start logit plus its end logit.
 * @property probability by softmax of the scores of all candidates. It says which part of the passage answers, not
 *   whether any does.
 */
data class Answer(val text: String, val first: Int, val last: Int, val score: Double, val probability: Double) {
    companion object {
        /** Longer answers are none: start and end then belong to two places that look like an answer. */
        const val MOST_PIECES = 30

        /**
         * The candidate with the largest score, of the [logits] that the model gave for a question and its passage; of
         * equal ones that which begins first, then that which ends first. A candidate begins and ends with a piece of a
         * word of the passage, in this order, has at most [MOST_PIECES], and spells something: a part of a character
         * does not. Null where there is no candidate.
         */
        fun of(logits: FloatArray, row: Encoding, texts: TextContract): Answer? {
            expect(logits.size == 2 * row.ids.size) { "the model gave ${logits.size} values for ${row.ids.size} places" }
            expect(logits.all(Float::isFinite)) { "the model gave NaN or infinity" }
            val places = texts.spelling.words(row.ids).flatMap(Word::places).filter { it in row.second }.toSet()
            fun spelled(span: IntRange): String = texts.spelling.text(span.map(row.ids::get))
            val candidates = places.flatMap { first ->
                val ends = (first until first + MOST_PIECES).filter(places::contains)
                // Once a span holds a whole character, it spells something however long it gets.
                ends.dropWhile { spelled(first..it).isEmpty() }.map { last ->
                    // As doubles: the sum is then that of Python.
                    Span(first, last, logits[2 * first].toDouble() + logits[2 * last + 1])
                }
            }
            val best = candidates.maxByOrNull(Span::score) ?: return null
            // The largest is taken off first: exp of a large number is infinite.
            val probability = 1 / candidates.sumOf { exp(it.score - best.score) }
            return Answer(spelled(best.first..best.last), best.first, best.last, best.score, probability)
        }
    }

    private class Span(val first: Int, val last: Int, val score: Double)
}
