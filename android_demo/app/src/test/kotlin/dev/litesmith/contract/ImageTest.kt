package dev.litesmith.contract

import com.sun.management.ThreadMXBean
import java.lang.management.ManagementFactory
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
        assertArrayEquals(floatArrayOf(255f, 128f, 1f, 0f, 2f, 3f), image.values())
    }

    @Test
    fun `the eight orientations of EXIF are those of Python's decoder`() {
        val stored = Image(2, 3, 1, true, floatArrayOf(1f, 2f, 3f, 4f, 5f, 6f))
        // What PIL.ImageOps.exif_transpose gives for [[1, 2, 3], [4, 5, 6]]; 0 and 9 are no orientations.
        val upright = mapOf(
            0 to listOf(1f, 2f, 3f, 4f, 5f, 6f), 1 to listOf(1f, 2f, 3f, 4f, 5f, 6f),
            2 to listOf(3f, 2f, 1f, 6f, 5f, 4f), 3 to listOf(6f, 5f, 4f, 3f, 2f, 1f),
            4 to listOf(4f, 5f, 6f, 1f, 2f, 3f), 5 to listOf(1f, 4f, 2f, 5f, 3f, 6f),
            6 to listOf(4f, 1f, 5f, 2f, 6f, 3f), 7 to listOf(6f, 3f, 5f, 2f, 4f, 1f),
            8 to listOf(3f, 6f, 2f, 5f, 1f, 4f), 9 to listOf(1f, 2f, 3f, 4f, 5f, 6f),
        )
        for ((code, expected) in upright) {
            val exif = Exif.of(code)
            val image = (if (exif.mirror) stored.mirrored() else stored).upright(exif.rotate)
            assertEquals(expected, image.values().toList()) { "orientation $code" }
            assertEquals(if (code in 5..8) 3 else 2, image.height) { "orientation $code" }
        }
    }

    @Test
    fun `a photo of 12 megapixels takes less than a byte a pixel beside its own`() {
        val photo = Image.ofArgb(3000, 4000, IntArray(3000 * 4000) { WHITE })
        val thread = Thread.currentThread().id
        val memory = ManagementFactory.getThreadMXBean() as ThreadMXBean
        val before = memory.getThreadAllocatedBytes(thread)
        val small = asGray.apply(photo, 90)
        val taken = memory.getThreadAllocatedBytes(thread) - before
        assertArrayEquals(FloatArray(4) { 255f }, small)
        assertTrue(taken < 3000 * 4000) { "$taken bytes" }
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

    private companion object {
        const val WHITE = -1
    }
}
