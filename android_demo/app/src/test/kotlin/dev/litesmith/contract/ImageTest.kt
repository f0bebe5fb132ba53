package dev.litesmith.contract

import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test

class ImageTest {
    private val asGray = ImagePreprocess(
        size = Size(2, 2),
        channels = 1,
        crop = 1.0,
        fit = Fit.STRETCH,
        resize = Resize.AREA,
        fill = 0,
        block = 1,
        scaling = Scaling(floatArrayOf(1f), floatArrayOf(0f)),
        layout = Layout.NHWC,
    )

    @Test
    fun `an image of one pixel is enlarged`() {
        assertArrayEquals(FloatArray(4) { 9f }, asGray.apply(Image(1, 1, 1, true, floatArrayOf(9f))))
    }

    @Test
    fun `an image of 10,000 by 10,000 is a message before memory is taken`() {
        val error = assertThrows(BadInput::class.java) { Image.ofArgb(10_000, 10_000, IntArray(0)) }
        assertTrue("too large" in error.message.orEmpty()) { error.message }
        assertThrows(BadInput::class.java) { Image(10_000, 10_000, 3, true, FloatArray(0)) }
        assertThrows(BadInput::class.java) { Image(Int.MAX_VALUE, 1, 1, true, FloatArray(0)) }
        assertThrows(BadInput::class.java) { Image(0, 5, 1, true, FloatArray(0)) }
    }

    @Test
    fun `a turned bitmap is put upright`() {
        val image = Image(1, 2, 1, true, floatArrayOf(1f, 2f))
        val upright = asGray.let { { degrees: Int -> it.apply(image, degrees).toList() } }
        assertEquals(listOf(1f, 2f, 1f, 2f), upright(0))
        assertEquals(listOf(1f, 1f, 2f, 2f), upright(90))
        assertEquals(listOf(2f, 1f, 2f, 1f), upright(180))
        assertEquals(listOf(2f, 2f, 1f, 1f), upright(270))
        assertThrows(BadInput::class.java) { upright(45) }
    }

    @Test
    fun `alpha is dropped and colours keep their order`() {
        val image = Image.ofArgb(1, 2, intArrayOf(0x40FF8001, 0x00000203))
        assertArrayEquals(floatArrayOf(255f, 128f, 1f, 0f, 2f, 3f), image.values)
    }

    @Test
    fun `an 8-bit image holds 8-bit values only`() {
        for (value in listOf(-1f, 256f, 0.5f, Float.NaN)) {
            assertThrows(BadInput::class.java) { Image(1, 1, 1, true, floatArrayOf(value)) }
        }
    }

    @Test
    fun `an image that must not be resized is refused when it has another size`() {
        val strict = ImagePreprocess(
            Size(2, 2), 1, 1.0, Fit.STRETCH, Resize.NONE, 0, 1, Scaling(floatArrayOf(1f), floatArrayOf(0f)),
            Layout.NHWC,
        )
        val error = assertThrows(BadInput::class.java) { strict.apply(Image(3, 2, 1, true, FloatArray(6))) }
        assertEquals("an image of 3x2 does not fit 2x2", error.message)
    }
}
