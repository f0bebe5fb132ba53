package dev.litesmith.contract

import kotlin.math.abs
import kotlin.math.truncate

/** The map between real and integer values, `real = scale * (q - zeroPoint)`; calibration/affine.py in Kotlin. */
data class Affine(val scale: Float, val zeroPoint: Int) {
    /** `clamp(round(x / scale) + zeroPoint)` in the range of [type]; division and rounding are Float. */
    fun quantize(x: Float, type: ElementType): Int {
        val steps = x / scale
        expect(!steps.isNaN()) { "NaN has no quantized value; remove it from the input" }
        val rounded = roundHalfAway(steps.coerceIn(-FAR, FAR)).toInt()
        return (rounded + zeroPoint).coerceIn(type.lowest, type.highest)
    }

    /** `scale * (q - zeroPoint)`, the product rounded once to Float. */
    fun dequantize(q: Int): Float = (scale.toDouble() * (q - zeroPoint)).toFloat()
}

/** Nearest whole number, ties away from zero; `Math.round` takes them up, and Kotlin's `round` to even. */
internal fun roundHalfAway(value: Float): Float {
    val whole = truncate(value)
    // The difference to the whole part is exact, which adding 0.5 first is not (0.49999997f + 0.5f is 1).
    if (abs(value - whole) < 0.5f) return whole
    return if (value < 0f) whole - 1f else whole + 1f
}

// Further from zero than any quantized value and zero point together, and exact in Float. Not 2^20, as in Python:
// enjarify, by which the tests look at the dexed class, takes that constant for 8.
private const val FAR = 1048575f
