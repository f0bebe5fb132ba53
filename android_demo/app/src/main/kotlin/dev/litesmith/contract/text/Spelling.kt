package dev.litesmith.contract.text

import java.nio.ByteBuffer
import java.nio.charset.CodingErrorAction

/** A word of a row: what its pieces spell, and their places in the row. */
class Word(val text: String, val places: List<Int>)

/**
 * From the ids of a row back to what a person reads; spelling.py in Kotlin.
 *
 * Pieces spell the text as the contract normalised it: it may be in lower case and without accents, and has the unknown
 * token where a word has no pieces.
 */
class Spelling internal constructor(
    private val tokens: List<String>,
    special: SpecialTokens,
    added: List<AddedToken>,
    private val byBytes: Boolean,
) {
    private val frame = setOf(special.pad, special.start, special.end)
    private val added = added.map(AddedToken::content).toSet()

    /**
     * The words of a row. Padding, start and end divide words and are in none. An added token is a word by itself. Any
     * other piece continues the word before it where it begins with "##" (WordPiece), or where it does not begin with a
     * space (byte-level BPE); of the latter, pieces of spaces alone divide as well.
     */
    fun words(ids: IntArray): List<Word> {
        val groups = mutableListOf<MutableList<Int>>()
        var divided = true
        for ((place, id) in ids.withIndex()) {
            val token = tokens[id]
            if (divides(token)) {
                divided = true
                continue
            }
            val alone = token in added
            if (divided || alone || begins(token)) groups += mutableListOf<Int>()
            groups.last() += place
            divided = alone
        }
        return groups.map { places -> Word(text(places.map(ids::get)), places) }
    }

    /**
     * What ids spell together; an added token is written as it is. WordPiece: the pieces with a space between, but for
     * those that begin with "##", which goes. Byte-level BPE: the bytes as UTF-8 without what is no whole character, and
     * without spaces at both ends.
     */
    fun text(ids: List<Int>): String {
        val found = ids.map(tokens::get)
        if (byBytes) return decoded(found).dropWhile { it in SPACES }.dropLastWhile { it in SPACES }
        return found.joinToString("") { if (begins(it)) " $it" else it.removePrefix(WordPiece.CONTINUES) }.removePrefix(" ")
    }

    /** The piece of an id, as the vocabulary has it. */
    fun token(id: Int): String = tokens[id]

    /** Whether an id is that of padding, start or end. */
    internal fun inFrame(id: Int): Boolean = tokens[id] in frame

    private fun divides(token: String): Boolean =
        token in frame || (byBytes && token !in added && token.all { it in SPACE_SYMBOLS })

    private fun begins(token: String): Boolean =
        if (byBytes) token.first() in SPACE_SYMBOLS else token in added || !token.startsWith(WordPiece.CONTINUES)

    /** Bytes are gathered up to the next added token: a character may be in several pieces. */
    private fun decoded(found: List<String>): String {
        val text = StringBuilder()
        val bytes = mutableListOf<Byte>()
        for (token in found) {
            if (token in added) {
                text.append(characters(bytes)).append(token)
                bytes.clear()
            } else {
                token.forEachPoint { _, point -> bytes += bytesOf(point) }
            }
        }
        return text.append(characters(bytes)).toString()
    }

    private fun bytesOf(point: Int): List<Byte> =
        BYTES[point]?.let { listOf(it.toByte()) }
            ?: StringBuilder().appendCodePoint(point).toString().toByteArray(Charsets.UTF_8).toList()

    private fun characters(bytes: List<Byte>): String = Charsets.UTF_8.newDecoder()
        .onMalformedInput(CodingErrorAction.IGNORE)
        .decode(ByteBuffer.wrap(bytes.toByteArray()))
        .toString()

    private companion object {
        /** Characters that are a space by themselves: U+0009 to U+000D and U+0020. */
        val SPACES = ('\u0009'..'\u000D') + ' '
        val SPACE_SYMBOLS = SPACES.map { ByteBpe.ALPHABET[it.code] }.toSet()
        val BYTES: Map<Int, Int> = ByteBpe.ALPHABET.withIndex().associate { (byte, symbol) -> symbol.code to byte }
    }
}
