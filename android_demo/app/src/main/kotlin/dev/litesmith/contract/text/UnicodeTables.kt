package dev.litesmith.contract.text

/** A class of code points: ascending ranges, searched by halves. */
internal class PointSet private constructor(private val firsts: IntArray, private val ends: IntArray) {
    operator fun contains(point: Int): Boolean {
        val found = firsts.binarySearch(point)
        // What is not found is given as -(the place where it would be put) - 1.
        val place = if (found >= 0) found else -found - 2
        return place >= 0 && point < ends[place]
    }

    companion object {
        /** From pairs of the gap since the end of the last range, and the length of the next. */
        fun unpack(packed: String): PointSet {
            val numbers = words(packed).map { it.toInt(HEXADECIMAL) }
            val bounds = numbers.runningReduce(Int::plus)
            return PointSet(
                bounds.filterIndexed { place, _ -> place % 2 == 0 }.toIntArray(),
                bounds.filterIndexed { place, _ -> place % 2 == 1 }.toIntArray(),
            )
        }
    }
}

/** The Unicode facts of the text contract: unicode_tables.py in Kotlin. Each version of Android has others. */
internal object UnicodeTables {
    val removed = PointSet.unpack(UnicodeClasses.REMOVED)
    val spaces = PointSet.unpack(UnicodeClasses.SPACES)
    val punctuation = PointSet.unpack(UnicodeClasses.PUNCTUATION)
    val chinese = PointSet.unpack(UnicodeClasses.CHINESE)
    val marks = PointSet.unpack(UnicodeClasses.MARKS)
    val letters = PointSet.unpack(UnicodeClasses.LETTERS)
    val numbers = PointSet.unpack(UnicodeClasses.NUMBERS)

    /** Canonical combining class, where it is not 0. */
    val orders: Map<Int, Int> = unpack(UnicodeMappings.ORDERS) { it.toInt(HEXADECIMAL) }

    /** Canonical decomposition without marks; that of Hangul syllables is computed. */
    val stripped: Map<Int, String> = unpack(UnicodeMappings.STRIPPED, ::characters)

    /** Lower case of a single code point. */
    val lowered: Map<Int, String> = unpack(UnicodeMappings.LOWERED, ::characters)

    /** From pairs of the distance to the code point before, and what it becomes. */
    private fun <T> unpack(packed: String, read: (String) -> T): Map<Int, T> {
        var point = 0
        return words(packed).chunked(2).associate { (distance, value) ->
            point += distance.toInt(HEXADECIMAL)
            point to read(value)
        }
    }

    private fun characters(text: String): String = text.split('+').fold(StringBuilder()) { result, word ->
        result.appendCodePoint(word.toInt(HEXADECIMAL))
    }.toString()
}

private const val HEXADECIMAL = 16

private fun words(packed: String): List<String> = packed.split(' ', '\n').filter(String::isNotEmpty)
