package dev.litesmith.contract

/**
 * An upright or turned image: `height * width * channels` values, read where they lie.
 *
 * Turning, cutting and changing channels make another view of the same memory, so that a photo takes what its pixels
 * take, and no copy for each step.
 *
 * @property is8Bit whether the values are whole numbers of 0 to 255 and stay so.
 */
class Image private constructor(
    val height: Int,
    val width: Int,
    val channels: Int,
    val is8Bit: Boolean,
    private val pixels: Pixels,
) {
    init {
        checkSize(height, width)
        expect(channels == GRAY || channels == RGB) { "an image has 1 or 3 channels, not $channels" }
    }

    /** Values row by row, the channels of a pixel together. */
    constructor(height: Int, width: Int, channels: Int, is8Bit: Boolean, values: FloatArray) : this(
        height, width, channels, is8Bit, Pixels { y, x, channel -> values[(y * width + x) * channels + channel] },
    ) {
        expect(values.size == height * width * channels) {
            "an image of ${height}x${width}x$channels has ${height * width * channels} values, not ${values.size}"
        }
        expect(!is8Bit || values.all { it in 0f..MOST_8_BIT && it == it.toInt().toFloat() }) {
            "an 8-bit image holds whole numbers of 0 to 255"
        }
    }

    /** Value of a pixel's channel. */
    operator fun get(y: Int, x: Int, channel: Int): Float = pixels.at(y, x, channel)

    /** All values, row by row, the channels of a pixel together. */
    fun values(): FloatArray {
        val result = FloatArray(height * width * channels)
        var place = 0
        for (y in 0 until height) {
            for (x in 0 until width) {
                for (channel in 0 until channels) result[place++] = this[y, x, channel]
            }
        }
        return result
    }

    /** Another view: [value] says where a value is taken from, or how it follows from a pixel, whenever it is read. */
    internal fun viewed(
        height: Int,
        width: Int,
        channels: Int = this.channels,
        is8Bit: Boolean = this.is8Bit,
        value: Pixels,
    ): Image = Image(height, width, channels, is8Bit, value)

    /** A view whose values are computed now, once each, for what would cost too much at every reading. */
    internal fun computed(
        height: Int,
        width: Int,
        channels: Int = this.channels,
        is8Bit: Boolean = this.is8Bit,
        value: Pixels,
    ): Image = Image(height, width, channels, is8Bit, viewed(height, width, channels, is8Bit, value).values())

    /** Turned round its vertical axis, as some cameras store what they saw in a mirror; see [Exif]. */
    fun mirrored(): Image = viewed(height, width) { y, x, channel -> this[y, width - 1 - x, channel] }

    companion object {
        const val GRAY = 1
        const val RGB = 3

        /** An RGB image from Android's `0xAARRGGBB` pixels, which are not copied; alpha is dropped. */
        fun ofArgb(height: Int, width: Int, pixels: IntArray): Image {
            checkSize(height, width)
            expect(pixels.size == height * width) { "$height x $width pixels expected, not ${pixels.size}" }
            return Image(height, width, RGB, is8Bit = true) { y, x, channel ->
                val shift = Byte.SIZE_BITS * (RGB - 1 - channel)
                ((pixels[y * width + x] shr shift) and MOST_8_BIT.toInt()).toFloat()
            }
        }

        private const val MOST_8_BIT = 255f
    }
}

/** Where an image's values come from. */
internal fun interface Pixels {
    fun at(y: Int, x: Int, channel: Int): Float
}

/** Refuse what could not be resized in bounded memory, before any is taken. */
fun checkSize(height: Int, width: Int) {
    expect(height > 0 && width > 0) { "an image of ${height}x$width is empty" }
    expect(maxOf(height, width) <= MOST_SIDE && height.toLong() * width <= MOST_PIXELS) {
        "an image of ${height}x$width is too large: at most $MOST_SIDE pixels a side and $MOST_PIXELS in all"
    }
}

private const val MOST_SIDE = 1 shl 14
private const val MOST_PIXELS = 1L shl 26
