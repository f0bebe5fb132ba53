package dev.litesmith.contract

import dev.litesmith.contract.text.Normalisation
import dev.litesmith.contract.text.Pairs
import dev.litesmith.contract.text.PieceKind
import dev.litesmith.contract.text.SpecialTokens
import dev.litesmith.contract.text.TextContract
import dev.litesmith.contract.text.TextFile
import java.security.MessageDigest

/** A model of texts with seven tokens, for tests of what uses a contract; without [labels] it gives embeddings. */
class FakeTextContract(
    override val labels: List<String> = listOf("a", "b", "c"),
    length: Int = 5,
    override val task: Task = if (labels.isEmpty()) Task.EMBEDDING else Task.CLASSIFICATION,
) : ModelContract {
    override val name = "fake"
    override val asset = "fake/model.tflite"
    override val golden = "fake/vectors.json"
    override val sha256 = ""
    override val oldestRuntime = "1.0.0"
    override val input = TensorSpec("ids", listOf(1, length), ElementType.INT32, null)
    override val output = TensorSpec("out", outputShape(length), ElementType.INT8, Affine(0.5f, 0))
    override val preprocess = TextPreprocess(
        length = length,
        special = SpecialTokens(pad = "[PAD]", unknown = "[UNK]", start = "[CLS]", end = "[SEP]"),
        kind = PieceKind.WordPiece(Normalisation(true, true, true, true), longestWord = 100),
        added = emptyList(),
        pairs = Pairs(ends = 1, secondType = 1),
        vocabulary = TextFile("fake/vocabulary.txt", lines = 7, sha256 = sha256Of(VOCABULARY)),
    )

    private fun outputShape(length: Int): List<Int> = when (task) {
        Task.CLASSIFICATION, Task.EMBEDDING -> listOf(1, 3)
        Task.TOKEN_CLASSIFICATION -> listOf(1, length, labels.size)
        Task.QUESTION_ANSWERING -> listOf(1, length, 2)
    }

    fun open(content: String = VOCABULARY): TextContract = preprocess.open { content.toByteArray() }

    companion object {
        const val VOCABULARY = "[PAD]\n[UNK]\n[CLS]\n[SEP]\nun\n##do\ndo\n"

        fun sha256Of(text: String): String =
            MessageDigest.getInstance("SHA-256").digest(text.toByteArray()).joinToString("") { "%02x".format(it) }
    }
}
