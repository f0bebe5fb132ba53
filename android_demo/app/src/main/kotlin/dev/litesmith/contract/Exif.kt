package dev.litesmith.contract

/** EXIF's eight orientations (tag 0x0112), as decoders on the Python side obey them: mirrored first, then turned. */
enum class Exif(private val code: Int, val mirror: Boolean, val rotate: Int) {
    UPRIGHT(1, mirror = false, rotate = 0),
    MIRRORED(2, mirror = true, rotate = 0),
    UPSIDE_DOWN(3, mirror = false, rotate = 180),
    MIRRORED_UPSIDE_DOWN(4, mirror = true, rotate = 180),
    TRANSPOSED(5, mirror = true, rotate = 270),
    TURNED_LEFT(6, mirror = false, rotate = 90),
    TRANSVERSED(7, mirror = true, rotate = 90),
    TURNED_RIGHT(8, mirror = false, rotate = 270),
    ;

    companion object {
        /** What a file says; 0 and whatever EXIF does not define mean nothing, as for Python's decoders. */
        fun of(code: Int): Exif = values().firstOrNull { it.code == code } ?: UPRIGHT
    }
}
