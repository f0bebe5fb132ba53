package dev.litesmith.contract

import kotlin.math.floor

private const val QUARTER = 90
private const val HALF = 180
private const val THREE_QUARTERS = 270

/** Step 2: turned clockwise by 0, 90, 180 or 270 degrees; pixels are moved, never computed. */
internal fun Image.upright(rotate: Int): Image = when (rotate) {
    0 -> this
    QUARTER -> viewed(width, height) { y, x, channel -> this[height - 1 - x, y, channel] }
    HALF -> viewed(height, width) { y, x, channel -> this[height - 1 - y, width - 1 - x, channel] }
    THREE_QUARTERS -> viewed(width, height) { y, x, channel -> this[x, width - 1 - y, channel] }
    else -> throw BadInput("an image is turned by 0, 90, 180 or 270 degrees, not $rotate")
}

/** Step 4: the centre, [share] of each side. */
internal fun Image.centralShare(share: Double): Image {
    fun kept(size: Int) = maxOf(1, floor(size * share + 0.5).toInt())
    return centre(kept(height), kept(width))
}

/** Step 4: the largest centre with about the proportions of [canvas]. */
internal fun Image.centralAspect(canvas: Size): Image =
    if (width.toLong() * canvas.height > height.toLong() * canvas.width) {
        centre(height, nearestShare(height, canvas.width, canvas.height))
    } else {
        centre(nearestShare(width, canvas.height, canvas.width), width)
    }

/** Step 5: the size that just fits in [canvas] with the same proportions. */
internal fun Image.letterboxSize(canvas: Size): Size =
    if (width.toLong() * canvas.height > height.toLong() * canvas.width) {
        Size(nearestShare(height, canvas.width, width), canvas.width)
    } else {
        Size(canvas.height, nearestShare(width, canvas.height, height))
    }

/** Step 6: in the middle of a canvas of [fill]. */
internal fun Image.onCanvas(canvas: Size, fill: Int): Image {
    val top = (canvas.height - height) / 2
    val left = (canvas.width - width) / 2
    return viewed(canvas.height, canvas.width) { y, x, channel ->
        val inside = y - top in 0 until height && x - left in 0 until width
        if (inside) this[y - top, x - left, channel] else fill.toFloat()
    }
}

/** Rows and columns. */
data class Size(val height: Int, val width: Int)

/** `value * part / whole` to the nearest whole number, halves up, at least 1. */
private fun nearestShare(value: Int, part: Int, whole: Int): Int =
    maxOf(1L, (2L * value * part + whole) / (2L * whole)).toInt()

private fun Image.centre(rows: Int, columns: Int): Image {
    val top = (height - rows) / 2
    val left = (width - columns) / 2
    return viewed(rows, columns) { y, x, channel -> this[top + y, left + x, channel] }
}
