package dev.litesmith.contract

// The smallest 8-bit value that is on: the upper half. Ink has to be bright and paper dark.
private const val ON = 128f

/** Step 7: how many pixels are on in each square of [block] by [block]. */
internal fun Image.blockCounts(block: Int): Image {
    expect(is8Bit) { "blocks are counted in 8-bit images, ink bright and paper dark" }
    return computed(height / block, width / block) { y, x, _ ->
        var count = 0
        for (row in y * block until (y + 1) * block) {
            for (column in x * block until (x + 1) * block) if (this[row, column, 0] >= ON) count++
        }
        count.toFloat()
    }
}

/** Values that are block counts already; those beyond them are refused, NaN too. */
internal fun Image.checkedCounts(block: Int): Image {
    expect(values().all { it in 0f..(block * block).toFloat() }) {
        "an image of ${height}x$width holds block counts of 0 to ${block * block}, but these values go beyond; " +
            "give counts, or a drawing of ${height * block}x${width * block} pixels"
    }
    return this
}
