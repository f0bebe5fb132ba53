package dev.litesmith.contract

import dev.litesmith.contract.text.TextContract
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Test

class AnswerTest {
    private val texts = open(12)

    @Test
    fun `the best span of the passage, and of equal ones the first`() {
        // [CLS] do [SEP] un ##do do [SEP]
        val row = texts.encode("do", "undo do")
        assertEquals(3..5, row.second)
        val logits = FloatArray(24)
        logits[2 * 1] = 90f
        logits[2 * 6 + 1] = 90f
        logits[2 * 4] = 3f
        logits[2 * 5 + 1] = 2.5f
        val answer = checkNotNull(Answer.of(logits, row, texts))
        assertEquals("do do" to 4..5, answer.text to answer.first..answer.last)
        assertEquals(5.5, answer.score)
        assertEquals(3..3, checkNotNull(Answer.of(FloatArray(24), row, texts)).let { it.first..it.last })
        assertEquals(1.0 / 6, checkNotNull(Answer.of(FloatArray(24), row, texts)).probability, 1e-12)
    }

    @Test
    fun `an answer has at most 30 pieces and ends after it begins`() {
        val long = open(64)
        val row = long.encode("do", "do ".repeat(40))
        val logits = FloatArray(128)
        logits[2 * 3] = 10f
        logits[2 * 33 + 1] = 5f
        assertEquals(10.0, checkNotNull(Answer.of(logits, row, long)).score)
        logits[2 * 32 + 1] = 5f
        assertEquals(15.0, checkNotNull(Answer.of(logits, row, long)).score)
        val back = FloatArray(128)
        back[2 * 40] = 4f
        back[2 * 5 + 1] = 4f
        assertEquals(4.0, checkNotNull(Answer.of(back, row, long)).score)
    }

    @Test
    fun `a passage without words has no answer`() {
        assertNull(Answer.of(FloatArray(24), texts.encode("do", " \n"), texts))
        assertNull(Answer.of(FloatArray(24), texts.encode("do", ""), texts))
        assertNull(Answer.of(FloatArray(24), texts.encode("do"), texts))
    }

    @Test
    fun `logits that do not fit and NaN are messages`() {
        val row = texts.encode("do", "do")
        assertThrows(BadInput::class.java) { Answer.of(FloatArray(23), row, texts) }
        assertThrows(BadInput::class.java) { Answer.of(FloatArray(24) { Float.NaN }, row, texts) }
        assertThrows(BadInput::class.java) { Answer.of(FloatArray(24) { Float.POSITIVE_INFINITY }, row, texts) }
    }

    private fun open(length: Int): TextContract =
        FakeTextContract(emptyList(), length, Task.QUESTION_ANSWERING).open()
}
