package dev.litesmith.demo.draw

import dev.litesmith.contract.Image
import dev.litesmith.contract.Size
import kotlin.math.ceil
import kotlin.math.floor

/** A point of a drawing: 0 to 1 along each side. */
data class Point(val x: Float, val y: Float)

/** A black and white bitmap that is never changed: a line gives a new one. */
class Drawing private constructor(val size: Size, private val ink: BooleanArray) {
    constructor(size: Size) : this(size, BooleanArray(size.height * size.width))

    val isEmpty: Boolean get() = ink.none { it }

    /** Whether there is ink. */
    operator fun get(y: Int, x: Int): Boolean = ink[y * size.width + x]

    /** With a line from [from] to [to], as thick as [PEN] of the smaller side; outside of the bitmap it is lost. */
    fun withLine(from: Point, to: Point): Drawing {
        val result = ink.copyOf()
        val radius = maxOf(MIN_RADIUS, PEN * minOf(size.height, size.width) / 2)
        val (x0, y0) = from.x * size.width to from.y * size.height
        val (x1, y1) = to.x * size.width to to.y * size.height
        for (y in span(y0, y1, radius, size.height)) {
            for (x in span(x0, x1, radius, size.width)) {
                val near = squaredDistance(x + 0.5f, y + 0.5f, x0, y0, x1, y1) <= radius * radius
                if (near) result[y * size.width + x] = true
            }
        }
        return Drawing(size, result)
    }

    /** As the contract wants it: ink bright, paper dark. */
    fun toImage(): Image {
        val values = FloatArray(ink.size) { if (ink[it]) INK else PAPER }
        return Image(size.height, size.width, Image.GRAY, is8Bit = true, values = values)
    }

    override fun equals(other: Any?): Boolean = other is Drawing && size == other.size && ink.contentEquals(other.ink)

    override fun hashCode(): Int = ink.contentHashCode()

    private companion object {
        // About the stroke of the scanned digits: 3 of 32 pixels.
        const val PEN = 0.1f
        const val MIN_RADIUS = 0.75f
        const val INK = 255f
        const val PAPER = 0f
    }
}

/** The places of one axis that a line with this radius can touch. */
private fun span(a: Float, b: Float, radius: Float, size: Int): IntRange =
    maxOf(0, floor(minOf(a, b) - radius).toInt())..minOf(size - 1, ceil(maxOf(a, b) + radius).toInt())

private fun squaredDistance(x: Float, y: Float, x0: Float, y0: Float, x1: Float, y1: Float): Float {
    val length = (x1 - x0) * (x1 - x0) + (y1 - y0) * (y1 - y0)
    val along = if (length == 0f) 0f else (((x - x0) * (x1 - x0) + (y - y0) * (y1 - y0)) / length).coerceIn(0f, 1f)
    val dx = x - (x0 + along * (x1 - x0))
    val dy = y - (y0 + along * (y1 - y0))
    return dx * dx + dy * dy
}
