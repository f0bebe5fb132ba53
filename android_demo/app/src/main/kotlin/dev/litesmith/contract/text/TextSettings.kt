package dev.litesmith.contract.text

import dev.litesmith.contract.expect
import java.security.MessageDigest

/** How words become pieces. */
sealed interface PieceKind {
    /** @property longestWord in code points; longer ones are unknown. */
    class WordPiece(val normalisation: Normalisation, val longestWord: Int) : PieceKind

    /** @property addPrefixSpace whether a text begins like a word in the middle of one. */
    class ByteBpe(val addPrefixSpace: Boolean, val merges: TextFile) : PieceKind
}

/** The tokens around texts, and those of what is missing. */
data class SpecialTokens(val pad: String, val unknown: String, val start: String, val end: String) {
    internal val all: List<String> get() = listOf(pad, unknown, start, end)
}

/** How two texts share a row: [ends] end tokens between them, and the token type of the second. */
data class Pairs(val ends: Int, val secondType: Int)

/** A list in the assets, a line each, and what it was when the class was generated. */
data class TextFile(val asset: String, val lines: Int, val sha256: String) {
    /** The lines; U+000A alone ends one. */
    internal fun lines(read: (String) -> ByteArray): List<String> {
        val content = read(asset)
        expect(sha256(content) == sha256) { "$asset is not the file that the app was generated for; bundle it again" }
        val found = String(content, Charsets.UTF_8).split('\n').dropLast(1)
        expect(found.size == lines) { "$asset has ${found.size} lines, not $lines; bundle the model again" }
        return found
    }

    private fun sha256(content: ByteArray): String =
        MessageDigest.getInstance("SHA-256").digest(content).joinToString("") { "%02x".format(it) }
}
