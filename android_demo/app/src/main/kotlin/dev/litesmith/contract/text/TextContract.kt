package dev.litesmith.contract.text

import dev.litesmith.contract.TextPreprocess
import dev.litesmith.contract.expect

/**
 * Texts -> rows of ids: calibration/text/contract.py in Kotlin, id for id. `TextPreprocess.open` makes it.
 *
 * No function that depends on the phone's version of Unicode is called. It keeps no state, so several threads may use
 * it.
 */
class TextContract internal constructor(
    private val settings: TextPreprocess,
    private val ids: Map<String, Int>,
    private val model: PieceModel,
    /** From ids back to words. */
    val spelling: Spelling,
) {
    private val special = settings.special
    private val frame =
        Frame(settings.length, id(special.start), id(special.end), id(special.pad), settings.pairs)
    private val added = AddedTokens(settings.added.filterNot(AddedToken::normalized).associateBy(AddedToken::content))

    /** All ids of a text, without special tokens around them. */
    fun pieces(text: String): List<Int> = added.split(checked(text)).flatMap { part ->
        when (part) {
            is Part.Added -> listOf(id(part.token.content))
            is Part.Plain -> model.ids(part.text)
        }
    }

    /** The row of one text, or of a text and the one that it goes with (a question and its passage). */
    fun encode(text: String, pair: String? = null): Encoding {
        if (pair == null) return frame.single(pieces(text))
        val least = settings.pairs.ends + LEAST_OF_A_PAIR
        expect(settings.length >= least) { "a row of ${settings.length} has no room for two texts; it takes $least" }
        return frame.pair(pieces(text), pieces(pair))
    }

    private fun id(token: String): Int = ids.getValue(token)

    private fun checked(text: String): String {
        text.forEachPoint { place, point ->
            expect(point !in SURROGATES) { "the text holds half of a character at place $place; remove it" }
        }
        return text
    }

    private companion object {
        // Start, a token of each text, and the last end.
        const val LEAST_OF_A_PAIR = 4
        val SURROGATES = 0xD800..0xDFFF
    }
}
