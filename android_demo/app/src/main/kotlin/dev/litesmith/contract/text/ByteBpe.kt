package dev.litesmith.contract.text

import java.util.PriorityQueue

/**
 * Byte-level byte-pair encoding; byte_bpe.py in Kotlin.
 *
 * @param ranks the place of each line of merges.txt, which is two pieces with a space between.
 */
internal class ByteBpe(
    private val ids: Map<String, Int>,
    private val ranks: Map<String, Int>,
    private val addPrefixSpace: Boolean,
    private val added: AddedTokens,
) : PieceModel {
    override fun ids(text: String): List<Int> = added.split(text).flatMap { part ->
        when (part) {
            is Part.Added -> listOf(ids.getValue(part.token.content))
            is Part.Plain -> byteLevelWords(withSpace(part.text)).flatMap(::pieces)
        }
    }

    private fun withSpace(text: String) = if (addPrefixSpace && !text.startsWith(" ")) " $text" else text

    private fun pieces(word: String): List<Int> {
        val symbols = word.toByteArray(Charsets.UTF_8).map { ALPHABET[it.toInt() and BYTE_MASK].toString() }
        return Merging(symbols, ranks).merged().map(ids::getValue)
    }

    companion object {
        private const val BYTE_MASK = 0xff
        private const val OTHERS = 0x100

        // These stand for themselves; the others, in ascending order, are the characters from U+0100 on.
        private val PRINTED = (0x21..0x7E) + (0xA1..0xAC) + (0xAE..0xFF)

        /** The character that a token has for each of the 256 bytes. */
        val ALPHABET: List<Char> = run {
            val others = (0..BYTE_MASK) - PRINTED.toSet()
            List(BYTE_MASK + 1) { byte -> (if (byte in PRINTED) byte else OTHERS + others.indexOf(byte)).toChar() }
        }
    }
}

/** Merges neighbours, the lowest rank first and of equal ones the leftmost, in n log n steps for n symbols. */
private class Merging(symbols: List<String>, private val ranks: Map<String, Int>) {
    private val pieces = symbols.toTypedArray()
    private val after = IntArray(pieces.size) { if (it + 1 < pieces.size) it + 1 else NONE }
    private val before = IntArray(pieces.size) { it - 1 }
    private val waiting = PriorityQueue(compareBy(Candidate::rank, Candidate::left))

    fun merged(): List<String> {
        pieces.indices.forEach(::consider)
        while (true) {
            val best = waiting.poll() ?: break
            val right = after[best.left]
            // One of the two may have become part of another piece since.
            if (right != NONE && pair(best.left, right) == best.pair) merge(best.left, right)
        }
        return pieces.filter(String::isNotEmpty)
    }

    private fun merge(left: Int, right: Int) {
        pieces[left] += pieces[right]
        pieces[right] = ""
        after[left] = after[right]
        if (after[left] != NONE) before[after[left]] = left
        if (before[left] != NONE) consider(before[left])
        consider(left)
    }

    private fun consider(left: Int) {
        if (after[left] == NONE) return
        val pair = pair(left, after[left])
        ranks[pair]?.let { waiting += Candidate(it, left, pair) }
    }

    // No piece holds a space: its byte has another character.
    private fun pair(left: Int, right: Int) = "${pieces[left]} ${pieces[right]}"

    private class Candidate(val rank: Int, val left: Int, val pair: String)

    private companion object {
        const val NONE = -1
    }
}
