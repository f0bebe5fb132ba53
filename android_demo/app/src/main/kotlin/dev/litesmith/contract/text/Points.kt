package dev.litesmith.contract.text

/**
 * Each code point with the place where it begins. Strings are UTF-16, so one is a `Char` or two; half of one, which
 * [TextContract] refuses, would be given as it is.
 */
internal inline fun String.forEachPoint(action: (place: Int, point: Int) -> Unit) {
    var place = 0
    while (place < length) {
        val point = codePointAt(place)
        action(place, point)
        place += units(point)
    }
}

/** The text with each code point replaced by what [change] gives; null leaves it. */
internal inline fun String.mapPoints(change: (Int) -> String?): String {
    val result = StringBuilder(length)
    forEachPoint { _, point ->
        val changed = change(point)
        if (changed == null) result.appendCodePoint(point) else result.append(changed)
    }
    return result.toString()
}

/** How many `Char`s a code point takes; arithmetic, not Unicode's tables. */
internal fun units(point: Int): Int = Character.charCount(point)
