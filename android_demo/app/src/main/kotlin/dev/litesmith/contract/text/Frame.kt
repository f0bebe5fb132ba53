package dev.litesmith.contract.text

/**
 * What a model is given for one text or pair, each value as long as the row.
 *
 * @property mask 1 where there is a token, 0 where there is padding.
 * @property tokenTypes the second text's type after the ends before it, else 0 and at padding: by the ids alone.
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
        val ids = IntArray(length) { tokens.getOrElse(it) { pad } }
        return Encoding(
            ids = ids,
            mask = ByteArray(length) { if (it < tokens.size) 1 else 0 },
            tokenTypes = types(ids),
            second = if (second.isEmpty()) IntRange.EMPTY else first.size until tokens.size - 1,
        )
    }

    /** As `PairTypes` of encoding.py: an end that a text itself holds counts as any other one. */
    private fun types(ids: IntArray): IntArray {
        val before = pairs.ends + if (start == end) 1 else 0
        var ends = 0
        return IntArray(ids.size) { place ->
            val type = if (ends >= before && ids[place] != pad) pairs.secondType else 0
            if (ids[place] == end) ends += 1
            type
        }
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
