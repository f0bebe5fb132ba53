package dev.litesmith.contract

/**
 * An upright or turned image: `height * width * channels` values, row by row, the channels of a pixel together.
 *
 * @property is8Bit whether the values are whole numbers of 0 to 255 and stay so.
 */
class Image(val height: Int, val width: Int, val channels: Int, val is8Bit: Boolean, val values: FloatArray) {
    init {
        checkSize(height, width)
        expect(channels == GRAY || channels == RGB) { "an image has 1 or 3 channels, not $channels" }
        expect(values.size == height * width * channels) {
            "an image of ${height}x${width}x$channels has ${height * width * channels} values, not ${values.size}"
        }
        expect(!is8Bit || values.all { it in 0f..MOST_8_BIT && it == it.toInt().toFloat() }) {
            "an 8-bit image holds whole numbers of 0 to 255"
        }
    }

    /** Value of a pixel's channel. */
    operator fun get(y: Int, x: Int, channel: Int): Float = values[(y * width + x) * channels + channel]

    /** Values computed for each place of another size, in this image's type or as Float. */
    internal inline fun mapped(
        height: Int,
        width: Int,
        channels: Int = this.channels,
        is8Bit: Boolean = this.is8Bit,
        value: (y: Int, x: Int, channel: Int) -> Float,
    ): Image {
        val result = FloatArray(height * width * channels)
        var place = 0
        for (y in 0 until height) {
            for (x in 0 until width) {
                for (channel in 0 until channels) result[place++] = value(y, x, channel)
            }
        }
        return Image(height, width, channels, is8Bit, result)
    }

    companion object {
        const val GRAY = 1
        const val RGB = 3

        /** An RGB image from Android's `0xAARRGGBB` pixels; alpha is dropped, as the contract says. */
        fun ofArgb(height: Int, width: Int, pixels: IntArray): Image {
            checkSize(height, width)
            expect(pixels.size == height * width) { "$height x $width pixels expected, not ${pixels.size}" }
            val values = FloatArray(pixels.size * RGB) { place ->
                val shift = Byte.SIZE_BITS * (RGB - 1 - place % RGB)
                ((pixels[place / RGB] shr shift) and MOST_8_BIT.toInt()).toFloat()
            }
            return Image(height, width, RGB, is8Bit = true, values = values)
        }

        private const val MOST_8_BIT = 255f
    }
}

/** Refuse what could not be resized in bounded memory, before any is taken. */
internal fun checkSize(height: Int, width: Int) {
    expect(height > 0 && width > 0) { "an image of ${height}x$width is empty" }
    expect(maxOf(height, width) <= MOST_SIDE && height.toLong() * width <= MOST_PIXELS) {
        "an image of ${height}x$width is too large: at most $MOST_SIDE pixels a side and $MOST_PIXELS in all"
    }
}

private const val MOST_SIDE = 1 shl 14
private const val MOST_PIXELS = 1L shl 26
