package dev.litesmith.demo.draw

import dev.litesmith.contract.Image

/** An image as it is stored, and the degrees clockwise that turn it upright. */
class Picture(val image: Image, val rotate: Int)

/** A picture that the user chose; it is read again each time, because its pixels are too many to keep. */
fun interface PictureSource {
    /** @throws dev.litesmith.contract.BadInput it cannot be decoded, or is too large. */
    fun read(): Picture
}
