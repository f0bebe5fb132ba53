package dev.litesmith.contract

import java.nio.ByteBuffer
import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Test

class TensorSpecTest {
    @Test
    fun `uint8 is read unsigned`() {
        val spec = TensorSpec("x", listOf(1, 3), ElementType.UINT8, Affine(1f, 0))
        val buffer = spec.encode(floatArrayOf(0f, 127f, 200f))
        assertArrayEquals(byteArrayOf(0, 127, -56), ByteArray(3, buffer::get))
        assertArrayEquals(floatArrayOf(0f, 127f, 200f), spec.decode(buffer))
    }

    @Test
    fun `int8 is read signed`() {
        val spec = TensorSpec("x", listOf(1, 2), ElementType.INT8, Affine(0.5f, -128))
        val buffer = spec.encode(floatArrayOf(0f, 127.5f))
        assertArrayEquals(byteArrayOf(-128, 127), ByteArray(2, buffer::get))
        assertArrayEquals(floatArrayOf(0f, 127.5f), spec.decode(buffer))
    }

    @Test
    fun `int16 and float take their bytes in the computer's order`() {
        val wide = TensorSpec("x", listOf(1, 2), ElementType.INT16, Affine(1f, 0))
        assertArrayEquals(intArrayOf(-300, 300), wide.steps(wide.encode(floatArrayOf(-300f, 300f))))
        val real = TensorSpec("x", listOf(2), ElementType.FLOAT32, null)
        assertArrayEquals(floatArrayOf(-0f, 1e-45f), real.decode(real.encode(floatArrayOf(-0f, 1e-45f))))
    }

    @Test
    fun `reading leaves the buffer as it was`() {
        val spec = TensorSpec("x", listOf(2), ElementType.INT8, Affine(1f, 0))
        val buffer = spec.encode(floatArrayOf(1f, 2f))
        spec.decode(buffer)
        assertEquals(0, buffer.position())
    }

    @Test
    fun `another number of values or bytes is a message`() {
        val spec = TensorSpec("x", listOf(2, 2), ElementType.INT8, Affine(1f, 0))
        val error = assertThrows(BadInput::class.java) { spec.encode(FloatArray(3)) }
        assertEquals("x takes 4 values, but was given 3", error.message)
        assertThrows(BadInput::class.java) { spec.decode(ByteBuffer.allocate(5)) }
    }

    @Test
    fun `a type that contradicts its quantization is refused`() {
        assertThrows(BadInput::class.java) { TensorSpec("x", listOf(1), ElementType.FLOAT32, Affine(1f, 0)) }
        assertThrows(BadInput::class.java) { TensorSpec("x", listOf(1), ElementType.INT8, null) }
    }

    @Test
    fun `ids are whole numbers and nothing else`() {
        val ids = TensorSpec("ids", listOf(1, 3), ElementType.INT32, null)
        val bytes = ids.encode(intArrayOf(1, -2, 70_000))
        assertEquals(12, bytes.remaining())
        assertEquals(listOf(1, -2, 70_000), ids.steps(bytes).toList())
        assertThrows(BadInput::class.java) { ids.encode(intArrayOf(1)) }
        assertThrows(BadInput::class.java) { ids.encode(floatArrayOf(1f, 2f, 3f)) }
        assertThrows(BadInput::class.java) { ids.decode(bytes) }
        val real = TensorSpec("in", listOf(3), ElementType.FLOAT32, null)
        assertThrows(BadInput::class.java) { real.encode(intArrayOf(1, 2, 3)) }
        assertThrows(BadInput::class.java) { TensorSpec("ids", listOf(3), ElementType.INT32, Affine(1f, 0)) }
    }
}
