package dev.litesmith.contract

import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Test

class EmbeddingTest {
    @Test
    fun `the cosine does not depend on lengths`() {
        assertEquals(1.0, cosine(floatArrayOf(1f, 2f), floatArrayOf(10f, 20f)), 1e-12)
        assertEquals(-1.0, cosine(floatArrayOf(1f, 2f), floatArrayOf(-3f, -6f)), 1e-12)
        assertEquals(0.0, cosine(floatArrayOf(1f, 0f), floatArrayOf(0f, 5f)), 1e-12)
        assertEquals(0.6, cosine(floatArrayOf(1f, 0f), floatArrayOf(3f, 4f)), 1e-7)
    }

    @Test
    fun `nothing is like nothing`() = assertEquals(0.0, cosine(floatArrayOf(0f, 0f), floatArrayOf(1f, 2f)))

    @Test
    fun `embeddings of two models are refused`() {
        assertThrows(BadInput::class.java) { cosine(floatArrayOf(1f), floatArrayOf(1f, 2f)) }
    }
}
