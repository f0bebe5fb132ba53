package dev.litesmith.contract

import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test

class LabelledWordTest {
    private val labels = listOf("O", "PER")
    private val texts = FakeTextContract(labels, length = 8, task = Task.TOKEN_CLASSIFICATION).open()

    @Test
    fun `a word has the label of its first piece`() {
        val words = said("undo do", 1 to 3f, 2 to -3f, 3 to -1e30f)
        assertEquals(listOf("undo" to "PER", "do" to "O"), words.map { it.text to it.label })
        assertEquals(listOf("un", "##do"), words.first().pieces.map(LabelledPiece::piece))
        assertEquals(listOf(1, 2), words.first().pieces.map(LabelledPiece::place))
        assertEquals(0.952574f, words.first().probability, 1e-6f)
        assertEquals(1f, words.last().probability)
    }

    @Test
    fun `a word without pieces is the unknown token`() =
        assertEquals(listOf("do", "[UNK]"), said("do something").map(LabelledWord::text))

    @Test
    fun `a text without words and one that is too long are no errors`() {
        assertTrue(said("").isEmpty())
        assertTrue(said(" \n\t").isEmpty())
        assertEquals(6, said("do ".repeat(100)).size)
    }

    @Test
    fun `logits that do not fit and NaN are messages`() {
        val row = texts.encode("do")
        assertThrows(BadInput::class.java) { LabelledWord.of(FloatArray(15), row, texts, labels) }
        assertThrows(BadInput::class.java) { LabelledWord.of(FloatArray(16) { Float.NaN }, row, texts, labels) }
    }

    /** The words, where the logit of `PER` is this at some places and that of `O` is 0. */
    private fun said(text: String, vararg logits: Pair<Int, Float>): List<LabelledWord> {
        val values = FloatArray(16)
        logits.forEach { (place, logit) -> values[2 * place + 1] = logit }
        return LabelledWord.of(values, texts.encode(text), texts, labels)
    }
}
