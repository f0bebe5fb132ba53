package dev.litesmith.contract

// Luma weights of ITU-R BT.601-7, section 2.5.1.
private const val RED = 0.299f
private const val GREEN = 0.587f
private const val BLUE = 0.114f

/** Step 3: the model's channels. Gray becomes RGB by repeating it, RGB becomes gray in Float, not rounded here. */
internal fun Image.withChannels(wanted: Int): Image = when (channels) {
    wanted -> this
    Image.GRAY -> viewed(height, width, wanted) { y, x, _ -> this[y, x, 0] }
    else -> viewed(height, width, Image.GRAY, is8Bit = false) { y, x, _ ->
        (RED * this[y, x, 0] + GREEN * this[y, x, 1]) + BLUE * this[y, x, 2]
    }
}
