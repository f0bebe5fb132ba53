package dev.litesmith.contract

import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Test

class AffineTest {
    private val half = Affine(0.5f, 3)

    @Test
    fun `ties go away from zero, which neither Math round nor Kotlin's round does`() {
        val ties = listOf(0.5f, 1.5f, 2.5f, -0.5f, -1.5f, -2.5f)
        assertEquals(listOf(1f, 2f, 3f, -1f, -2f, -3f), ties.map(::roundHalfAway))
    }

    @Test
    fun `the float below one half is rounded to zero`() {
        assertEquals(0, roundHalfAway(0.49999997f).toInt())
        assertEquals(0, roundHalfAway(-0.49999997f).toInt())
    }

    @Test
    fun `values beyond the type stay at its ends`() {
        assertEquals(127, half.quantize(Float.MAX_VALUE, ElementType.INT8))
        assertEquals(-128, half.quantize(Float.NEGATIVE_INFINITY, ElementType.INT8))
        assertEquals(255, half.quantize(1e9f, ElementType.UINT8))
        assertEquals(0, half.quantize(-1e9f, ElementType.UINT8))
        assertEquals(Short.MAX_VALUE.toInt(), half.quantize(1e9f, ElementType.INT16))
    }

    @Test
    fun `NaN is refused`() {
        assertThrows(BadInput::class.java) { half.quantize(Float.NaN, ElementType.INT8) }
    }

    @Test
    fun `a step there and back is the same`() {
        for (q in Byte.MIN_VALUE..Byte.MAX_VALUE) {
            assertEquals(q, half.quantize(half.dequantize(q), ElementType.INT8))
        }
    }
}
