package dev.litesmith.contract

import kotlin.math.floor

/** How an image gets another size: step 5 of the contract. */
enum class Resize { NONE, NEAREST, BILINEAR, ANTIALIASED, AREA }

/** Step 5. Where the image has the size already, nothing is computed. */
internal fun Image.resized(size: Size, how: Resize): Image {
    if (height == size.height && width == size.width) return this
    return when (how) {
        Resize.NONE -> throw BadInput("an image of ${height}x$width does not fit ${size.height}x${size.width}")
        Resize.NEAREST -> nearest(size)
        Resize.BILINEAR -> bilinear(size)
        Resize.ANTIALIASED -> weighted(size, ::triangle)
        Resize.AREA -> weighted(size, ::overlap)
    }
}

/** Step 5, last line: 8-bit again, halves up, if the image came so. */
internal fun Image.asItCame(was8Bit: Boolean): Image =
    if (was8Bit && !is8Bit) {
        computed(height, width, is8Bit = true) { y, x, channel -> floor(this[y, x, channel] + 0.5f) }
    } else {
        this
    }

private fun Image.nearest(size: Size): Image {
    fun under(place: Int, source: Int, target: Int) = ((2L * place + 1) * source / (2L * target)).toInt()
    val columns = IntArray(size.width) { under(it, width, size.width) }
    val rows = IntArray(size.height) { under(it, height, size.height) }
    return computed(size.height, size.width) { y, x, channel -> this[rows[y], columns[x], channel] }
}

private fun Image.bilinear(size: Size): Image {
    val down = Array(size.height) { Taps.of(it, height, size.height) }
    val across = Array(size.width) { Taps.of(it, width, size.width) }
    return computed(size.height, size.width, is8Bit = false) { y, x, channel ->
        fun along(row: Int) =
            mix(this[row, across[x].first, channel], this[row, across[x].second, channel], across[x].part)
        mix(along(down[y].first), along(down[y].second), down[y].part)
    }
}

private fun mix(a: Float, b: Float, part: Float): Float = a + (b - a) * part

/** The two source places of a target place, and the weight of the second. */
private class Taps(val first: Int, val second: Int, val part: Float) {
    companion object {
        fun of(place: Int, source: Int, target: Int): Taps {
            val ratio = source.toFloat() / target.toFloat()
            val centre = ((place.toFloat() + 0.5f) * ratio - 0.5f).coerceIn(0f, (source - 1).toFloat())
            val first = floor(centre)
            return Taps(first.toInt(), minOf(first.toInt() + 1, source - 1), centre - first)
        }
    }
}
