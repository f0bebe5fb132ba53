package dev.litesmith.contract.text

/** Normalised text -> words: spaces divide and go, each code point of punctuation is a word. */
internal fun bertWords(text: String): List<String> {
    val words = mutableListOf<String>()
    var start = 0
    text.forEachPoint { place, point ->
        val isSpace = point in UnicodeTables.spaces
        if (!isSpace && point !in UnicodeTables.punctuation) return@forEachPoint
        if (start < place) words += text.substring(start, place)
        val end = place + units(point)
        if (!isSpace) words += text.substring(place, end)
        start = end
    }
    if (start < text.length) words += text.substring(start)
    return words
}

/**
 * Text -> words that joined are the text, as GPT-2's pattern finds them from the left: a contraction; one U+0020 or
 * none and then all letters, all numbers, or all that are neither nor space; spaces, but for the last where something
 * follows them.
 */
internal fun byteLevelWords(text: String): List<String> {
    val words = mutableListOf<String>()
    var start = 0
    while (start < text.length) {
        val end = wordEnd(text, start)
        words += text.substring(start, end)
        start = end
    }
    return words
}

private enum class Kind { LETTER, NUMBER, SPACE, OTHER }

// In the order of GPT-2's pattern.
private val CONTRACTIONS = listOf("'s", "'t", "'re", "'ve", "'m", "'ll", "'d")

private fun wordEnd(text: String, start: Int): Int {
    CONTRACTIONS.firstOrNull { text.startsWith(it, start) }?.let { return start + it.length }
    val first = if (text[start] == ' ' && start + 1 < text.length) start + 1 else start
    val kind = kindOf(text.codePointAt(first))
    if (kind != Kind.SPACE) return runEnd(text, first, kind)
    val end = runEnd(text, start, Kind.SPACE)
    return if (end == text.length || end == start + 1) end else end - 1
}

private fun runEnd(text: String, start: Int, kind: Kind): Int {
    var end = start
    while (end < text.length) {
        val point = text.codePointAt(end)
        if (kindOf(point) != kind) break
        end += units(point)
    }
    return end
}

private fun kindOf(point: Int): Kind = when (point) {
    in UnicodeTables.letters -> Kind.LETTER
    in UnicodeTables.numbers -> Kind.NUMBER
    in UnicodeTables.spaces -> Kind.SPACE
    else -> Kind.OTHER
}
