package dev.litesmith.contract

import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Test

class PredictionTest {
    @Test
    fun `the first of equal logits wins`() {
        assertEquals("b", Prediction.of(floatArrayOf(0f, 2f, 2f), listOf("a", "b", "c")).label)
    }

    @Test
    fun `probabilities add up to one, for huge logits too`() {
        val prediction = Prediction.of(floatArrayOf(1e30f, 0f, -1e30f), listOf("a", "b", "c"))
        assertEquals(listOf(1f, 0f, 0f), prediction.probabilities)
        val close = Prediction.of(floatArrayOf(1f, 2f, 3f), listOf("a", "b", "c"))
        assertEquals(1f, close.probabilities.sum(), 1e-6f)
        assertEquals(listOf("c", "b", "a"), close.labelled.map { it.first })
    }

    @Test
    fun `labels that do not fit and NaN are messages`() {
        assertThrows(BadInput::class.java) { Prediction.of(floatArrayOf(1f), listOf("a", "b")) }
        assertThrows(BadInput::class.java) { Prediction.of(floatArrayOf(Float.NaN), listOf("a")) }
    }
}
