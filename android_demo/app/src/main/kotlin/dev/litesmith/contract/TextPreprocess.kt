package dev.litesmith.contract

import dev.litesmith.contract.text.AddedToken
import dev.litesmith.contract.text.AddedTokens
import dev.litesmith.contract.text.ByteBpe
import dev.litesmith.contract.text.Normaliser
import dev.litesmith.contract.text.Pairs
import dev.litesmith.contract.text.PieceKind
import dev.litesmith.contract.text.PieceModel
import dev.litesmith.contract.text.SpecialTokens
import dev.litesmith.contract.text.Spelling
import dev.litesmith.contract.text.TextContract
import dev.litesmith.contract.text.TextFile
import dev.litesmith.contract.text.WordPiece

/** Texts that become ids: what text.json says, and where the vocabulary lies in the assets. */
class TextPreprocess(
    val length: Int,
    internal val special: SpecialTokens,
    private val kind: PieceKind,
    internal val added: List<AddedToken>,
    internal val pairs: Pairs,
    private val vocabulary: TextFile,
) : Preprocess {
    /** Read the vocabulary, which takes a while: keep what comes. [read] gives the content of an asset. */
    fun open(read: (String) -> ByteArray): TextContract {
        val tokens = vocabulary.lines(read)
        val ids = HashMap<String, Int>(2 * tokens.size)
        tokens.forEachIndexed { id, token -> ids[token] = id }
        for (token in special.all + added.map(AddedToken::content)) {
            expect(token in ids) { "${vocabulary.asset} lacks the token $token; bundle the model again" }
        }
        val spelling = Spelling(tokens, special, added, byBytes = kind is PieceKind.ByteBpe)
        return TextContract(this, ids, model(ids, read), spelling)
    }

    private fun model(ids: Map<String, Int>, read: (String) -> ByteArray): PieceModel {
        val late = added.filter(AddedToken::normalized)
        return when (kind) {
            is PieceKind.WordPiece -> {
                val normaliser = Normaliser(kind.normalisation)
                val found = AddedTokens(late.associateBy { normaliser.apply(it.content) })
                WordPiece(ids, ids.getValue(special.unknown), normaliser, kind.longestWord, found)
            }
            is PieceKind.ByteBpe -> {
                val ranks = HashMap<String, Int>()
                kind.merges.lines(read).forEachIndexed { rank, line -> ranks[line] = rank }
                ByteBpe(ids, ranks, kind.addPrefixSpace, AddedTokens(late.associateBy(AddedToken::content)))
            }
        }
    }
}
