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
    val down = Array(size.height) { Weights.of(it, height, size.height, weigh) }
    // One row of sums for each source row: what the second pass adds up.
    val sums = Array(height) { row ->
        DoubleArray(size.width * channels) { place ->
            across[place / channels].sum { column -> this[row, column, place % channels].toDouble() }
        }
    }
    return mapped(size.height, size.width, is8Bit = false) { y, x, channel ->
        val total = down[y].sum { row -> sums[row][x * channels + channel] }
        (total / (across[x].total * down[y].total).toDouble()).toFloat()
    }
}

/** The places from [first] on that have a weight above zero. */
private class Weights(val first: Int, val values: LongArray) {
    val total: Long = values.sum()

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
