package dev.litesmith.contract.text

/**
 * A token that is one id wherever it stands in a text, also where a user typed it.
 *
 * @property normalized it is normalised as the text is, and found in normalised text; else in the text as it came.
 * @property lstrip the spaces before it belong to it.
 * @property rstrip the spaces after it belong to it.
 */
data class AddedToken(
    val content: String,
    val normalized: Boolean = false,
    val lstrip: Boolean = false,
    val rstrip: Boolean = false,
)

/** A part of a text: an added token, or what is between them. */
internal sealed interface Part {
    class Plain(val text: String) : Part

    class Added(val token: AddedToken) : Part
}

/** Finds added tokens, each by what is looked for; special_tokens.py in Kotlin. */
internal class AddedTokens(private val tokens: Map<String, AddedToken>) {
    // Of those that begin at a place the longest is found.
    private val byFirst = tokens.keys.sortedByDescending(String::length).groupBy(String::first)

    /** The text's parts from the left, none of them empty. */
    fun split(text: String): List<Part> {
        val parts = mutableListOf<Part>()
        var start = 0
        var place = 0
        while (place < text.length) {
            val found = byFirst[text[place]]?.firstOrNull { text.startsWith(it, place) }
            if (found == null) {
                place++
                continue
            }
            val token = tokens.getValue(found)
            val left = if (token.lstrip) spacesBegin(text, place) else place
            if (start < left) parts += Part.Plain(text.substring(start, left))
            parts += Part.Added(token)
            place += found.length
            start = if (token.rstrip) spacesEnd(text, place) else place
        }
        if (start < text.length) parts += Part.Plain(text.substring(start))
        return parts
    }

    // All spaces are of one Char.
    private fun spacesBegin(text: String, end: Int): Int {
        var place = end
        while (place > 0 && text[place - 1].code in UnicodeTables.spaces) place--
        return place
    }

    private fun spacesEnd(text: String, start: Int): Int {
        var place = start
        while (place < text.length && text[place].code in UnicodeTables.spaces) place++
        return place
    }
}
