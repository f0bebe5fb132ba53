package dev.litesmith.contract.text

/** The steps of BERT's normalisation that are done, in this order; all off for byte-level BPE. */
data class Normalisation(
    val cleanText: Boolean,
    val chineseCharacters: Boolean,
    val stripAccents: Boolean,
    val lowercase: Boolean,
)

/** Text -> text; normalise.py in Kotlin. */
internal class Normaliser(private val steps: Normalisation) {
    fun apply(text: String): String {
        var result = text
        if (steps.cleanText) result = result.mapPoints(::cleaned)
        if (steps.chineseCharacters) result = result.mapPoints(::spaced)
        if (steps.stripAccents) result = withoutMarks(result.mapPoints(::decomposed))
        return if (steps.lowercase) result.mapPoints(UnicodeTables.lowered::get) else result
    }

    private fun cleaned(point: Int): String? = when (point) {
        in UnicodeTables.removed -> ""
        in UnicodeTables.spaces -> " "
        else -> null
    }

    private fun spaced(point: Int): String? =
        if (point in UnicodeTables.chinese) StringBuilder(" ").appendCodePoint(point).append(' ').toString() else null

    private fun decomposed(point: Int): String? = syllable(point) ?: UnicodeTables.stripped[point]

    /** Each longest run of code points with an order is sorted by it, equal ones as they were; then marks go. */
    private fun withoutMarks(text: String): String {
        val result = StringBuilder(text.length)
        val run = mutableListOf<Int>()
        fun put(point: Int) {
            if (point !in UnicodeTables.marks) result.appendCodePoint(point)
        }
        fun finishRun() {
            run.sortedBy(UnicodeTables.orders::getValue).forEach(::put)
            run.clear()
        }
        text.forEachPoint { _, point ->
            if (point in UnicodeTables.orders) {
                run += point
            } else {
                finishRun()
                put(point)
            }
        }
        finishRun()
        return result.toString()
    }

    /** The two or three letters of a Hangul syllable (The Unicode Standard, section 3.12); null for what is none. */
    private fun syllable(point: Int): String? {
        val index = point - SYLLABLES
        if (index !in 0 until COUNT) return null
        val vowel = index % VOWELS_AND_TAILS / TAILS
        val tail = index % TAILS
        val letters = "${(LEADS + index / VOWELS_AND_TAILS).toChar()}${(VOWELS + vowel).toChar()}"
        return if (tail == 0) letters else letters + (LAST + tail).toChar()
    }

    private companion object {
        const val SYLLABLES = 0xAC00
        const val COUNT = 11172
        const val TAILS = 28
        const val VOWELS_AND_TAILS = 588
        const val LEADS = 0x1100
        const val VOWELS = 0x1161
        const val LAST = 0x11A7
    }
}
