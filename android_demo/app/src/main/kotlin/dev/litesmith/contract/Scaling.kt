package dev.litesmith.contract

/** Step 8: `x * scale + offset` in Float; one number for all, or one for each place of the last axis. */
class Scaling(private val scale: FloatArray, private val offset: FloatArray) {
    /** Values whose last axis has [last] places. */
    fun apply(values: FloatArray, last: Int): FloatArray {
        expect(scale.size in setOf(1, last) && offset.size in setOf(1, last)) {
            "${scale.size} factors and ${offset.size} offsets do not fit an axis of $last"
        }
        return FloatArray(values.size) { place ->
            val product = values[place] * scale[place % last % scale.size]
            product + offset[place % last % offset.size]
        }
    }
}
