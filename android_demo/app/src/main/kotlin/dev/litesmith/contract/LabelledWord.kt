package dev.litesmith.contract

import dev.litesmith.contract.text.Encoding
import dev.litesmith.contract.text.TextContract

/**
 * A piece of a text with the label of its largest logit; token_labels.py in Kotlin.
 *
 * @property place in the row.
 * @property piece as the vocabulary has it.
 * @property probability of the label, by softmax over all labels.
 */
data class LabelledPiece(val place: Int, val piece: String, val label: String, val probability: Float) {
    companion object {
        /** All pieces of [row] but padding, start and end, of the [logits] that the model gave for it. */
        fun of(logits: FloatArray, row: Encoding, texts: TextContract, labels: List<String>): List<LabelledPiece> {
            expect(logits.size == row.ids.size * labels.size) {
                "the model gave ${logits.size} values for ${row.ids.size} places and ${labels.size} labels"
            }
            return row.ids.indices.filterNot { texts.spelling.inFrame(row.ids[it]) }.map { place ->
                val start = place * labels.size
                val found = Prediction.of(logits.copyOfRange(start, start + labels.size), labels)
                LabelledPiece(place, texts.spelling.token(row.ids[place]), found.label, found.probabilities[found.index])
            }
        }
    }
}

/** A word of a text with its pieces; it has the label of the first one, as such models are trained. */
data class LabelledWord(val text: String, val pieces: List<LabelledPiece>) {
    val label: String get() = pieces.first().label
    val probability: Float get() = pieces.first().probability

    companion object {
        /** The words of [row], of the [logits] that the model gave for it; none where the text has none. */
        fun of(logits: FloatArray, row: Encoding, texts: TextContract, labels: List<String>): List<LabelledWord> {
            val pieces = LabelledPiece.of(logits, row, texts, labels).associateBy(LabelledPiece::place)
            return texts.spelling.words(row.ids).map { word ->
                LabelledWord(word.text, word.places.map(pieces::getValue))
            }
        }
    }
}
