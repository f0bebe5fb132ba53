package dev.litesmith.contract

import kotlin.math.abs

/** Whole-number weight of source place `k` for target place `i`, of `source` and `target` places. */
internal typealias Weigh = (k: Long, i: Long, source: Long, target: Long) -> Long

/** The overlap of two pixels: "area". */
internal fun overlap(k: Long, i: Long, source: Long, target: Long): Long =
    minOf((k + 1) * target, (i + 1) * source) - maxOf(k * target, i * source)

/** A triangle as wide as a pixel of the coarser grid to either side: "bilinear" with antialiasing. */
internal fun triangle(k: Long, i: Long, source: Long, target: Long): Long =
    2 * maxOf(source, target) - abs((2 * k + 1) * target - (2 * i + 1) * source)

/** Step 5 by weighted means: sums in Double, along the row first, divided once by the weights' sum. */
internal fun Image.weighted(size: Size, weigh: Weigh): Image {
    val across = Array(size.width) { Weights.of(it, width, size.width, weigh) }
    val result = FloatArray(size.height * size.width * channels)
    // Sums along the source's rows; only those that this row of the target looks at are kept.
    val sums = HashMap<Int, DoubleArray>()
    for (y in 0 until size.height) {
        val down = Weights.of(y, height, size.height, weigh)
        sums.keys.removeAll { it < down.first }
        val rows = down.places.map { row -> sums.getOrPut(row) { rowSums(row, across) } }
        for (place in 0 until size.width * channels) {
            val total = down.sum { row -> rows[row - down.first][place] }
            val weight = across[place / channels].total * down.total
            result[y * size.width * channels + place] = (total / weight.toDouble()).toFloat()
        }
    }
    return Image(size.height, size.width, channels, is8Bit = false, values = result)
}

private fun Image.rowSums(row: Int, across: Array<Weights>) = DoubleArray(across.size * channels) { place ->
    across[place / channels].sum { column -> this[row, column, place % channels].toDouble() }
}

/** The places from [first] on that have a weight above zero. */
private class Weights(val first: Int, val values: LongArray) {
    val total: Long = values.sum()
    val places: IntRange = first until first + values.size

    inline fun sum(value: (Int) -> Double): Double {
        var result = 0.0
        for (step in values.indices) result += values[step].toDouble() * value(first + step)
        return result
    }

    companion object {
        fun of(place: Int, source: Int, target: Int, weigh: Weigh): Weights {
            fun weight(k: Int) = weigh(k.toLong(), place.toLong(), source.toLong(), target.toLong())
            // No weight reaches further than one pixel of the coarser grid and a half from the centre.
            val reach = maxOf(source, target) / target + 1
            val low = (place.toLong() * source / target).toInt()
            val near = maxOf(0, low - reach)..minOf(source - 1, low + reach + source / target + 1)
            val used = near.filter { weight(it) > 0 }
            return Weights(used.first(), LongArray(used.size) { weight(used[it]) })
        }
    }
}
