package dev.litesmith.contract.text

/** From the left, each word's longest pieces, all but the first with `##` before them; wordpiece.py in Kotlin. */
internal class WordPiece(
    private val ids: Map<String, Int>,
    private val unknown: Int,
    private val normaliser: Normaliser,
    private val longestWord: Int,
    private val added: AddedTokens,
) : PieceModel {
    override fun ids(text: String): List<Int> = added.split(normaliser.apply(text)).flatMap { part ->
        when (part) {
            is Part.Added -> listOf(ids.getValue(part.token.content))
            is Part.Plain -> bertWords(part.text).flatMap(::pieces)
        }
    }

    /** Of a word that is too long, or a part of which has no piece, the unknown token alone. */
    private fun pieces(word: String): List<Int> {
        if (word.codePointCount(0, word.length) > longestWord) return listOf(unknown)
        val result = mutableListOf<Int>()
        var start = 0
        while (start < word.length) {
            val prefix = if (start > 0) CONTINUES else ""
            // An end within a pair of surrogates finds nothing: no token holds half of a character.
            val end = (word.length downTo start + 1).firstOrNull { prefix + word.substring(start, it) in ids }
                ?: return listOf(unknown)
            result += ids.getValue(prefix + word.substring(start, end))
            start = end
        }
        return result
    }

    companion object {
        /** What begins a piece that does not begin a word. */
        const val CONTINUES = "##"
    }
}
