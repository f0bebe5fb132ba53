package dev.litesmith.contract.text

/**
 * What a model is given for one text or pair, each value as long as the row.
 *
 * @property mask 1 where there is a token, 0 where there is padding.
 * @property tokenTypes 0, and the second text's type from its first token to its end token.
 * @property second places of the second text's tokens; none for one text.
 */
class Encoding(val ids: IntArray, val mask: ByteArray, val tokenTypes: IntArray, val second: IntRange)

/** `start A end`, or `start A end*ends B end`, then `pad` up to [length]; encoding.py in Kotlin. */
internal class Frame(
    private val length: Int,
    private val start: Int,
    private val end: Int,
    private val pad: Int,
    private val pairs: Pairs,
) {
    /** One text, whose end is cut off where it is too long. */
    fun single(text: List<Int>): Encoding = padded(listOf(start) + text.take(length - 2) + end, emptyList())

    /** Two texts, of which the longer one is cut first. */
    fun pair(first: List<Int>, second: List<Int>): Encoding {
        val (one, two) = shares(first.size, second.size, length - 2 - pairs.ends)
        val ends = List(pairs.ends) { end }
        return padded(listOf(start) + first.take(one) + ends, second.take(two) + end)
    }

    private fun padded(first: List<Int>, second: List<Int>): Encoding {
        val tokens = first + second
        return Encoding(
            ids = IntArray(length) { tokens.getOrElse(it) { pad } },
            mask = ByteArray(length) { if (it < tokens.size) 1 else 0 },
            tokenTypes = IntArray(length) { if (it in first.size until tokens.size) pairs.secondType else 0 },
            second = if (second.isEmpty()) IntRange.EMPTY else first.size until tokens.size - 1,
        )
    }
}

/** How many tokens of each text are kept where both have [room] places. */
private fun shares(first: Int, second: Int, room: Int): Pair<Int, Int> {
    if (first + second <= room) return first to second
    var short = minOf(first, second)
    var long = maxOf(short, room - short)
    if (short + long > room) {
        short = room / 2
        long = short + room % 2
    }
    return if (first > second) long to short else short to long
}
