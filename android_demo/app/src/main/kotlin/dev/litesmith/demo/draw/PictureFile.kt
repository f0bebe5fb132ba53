package dev.litesmith.demo.draw

import android.content.ContentResolver
import android.graphics.Bitmap
import android.graphics.BitmapFactory
import android.media.ExifInterface
import android.net.Uri
import dev.litesmith.contract.BadInput
import dev.litesmith.contract.Exif
import dev.litesmith.contract.Image
import dev.litesmith.contract.checkSize
import java.io.IOException
import java.io.InputStream

/**
 * An image file of another app, decoded whole: a decoder that makes it smaller computes pixels of its own, and the
 * contract's would be others.
 *
 * @param freeBytes how much memory the app may still take, asked before any is taken.
 */
class PictureFile(
    private val resolver: ContentResolver,
    private val place: Uri,
    private val freeBytes: () -> Long,
) : PictureSource {
    override fun read(): Picture {
        checkBounds()
        val orientation = reading { stream -> Exif.of(orientationOf(stream)) }
        val image = reading(::decoded)
        return Picture(if (orientation.mirror) image.mirrored() else image, orientation.rotate)
    }

    /** Its size alone, which takes no memory: 10,000 by 10,000 pixels would take 400 MB. */
    private fun checkBounds() {
        val bounds = BitmapFactory.Options().apply { inJustDecodeBounds = true }
        reading { stream -> BitmapFactory.decodeStream(stream, null, bounds) }
        if (bounds.outWidth <= 0 || bounds.outHeight <= 0) throw BadInput("$place is no image that Android can decode")
        checkSize(bounds.outHeight, bounds.outWidth)
        val bytes = BYTES_A_PIXEL * bounds.outHeight * bounds.outWidth
        val free = freeBytes()
        if (bytes > free) {
            throw BadInput(
                "an image of ${bounds.outHeight}x${bounds.outWidth} takes ${bytes / MEGA} MB, but the app has " +
                    "${free / MEGA} MB left; make it smaller first",
            )
        }
    }

    private fun decoded(stream: InputStream): Image {
        val options = BitmapFactory.Options().apply {
            inPreferredConfig = Bitmap.Config.ARGB_8888
            inScaled = false
            // The colours as they are stored: multiplied by their alpha, those of transparent places are lost.
            inPremultiplied = false
        }
        val bitmap = BitmapFactory.decodeStream(stream, null, options) ?: throw BadInput("$place cannot be decoded")
        val (height, width) = bitmap.height to bitmap.width
        val pixels = IntArray(height * width)
        bitmap.getPixels(pixels, 0, width, 0, 0, width, height)
        bitmap.recycle()
        return Image.ofArgb(height, width, pixels)
    }

    private fun orientationOf(stream: InputStream): Int =
        ExifInterface(stream).getAttributeInt(ExifInterface.TAG_ORIENTATION, ExifInterface.ORIENTATION_UNDEFINED)

    private fun <T> reading(action: (InputStream) -> T): T = try {
        val stream = resolver.openInputStream(place) ?: throw BadInput("$place cannot be opened")
        stream.use(action)
    } catch (error: IOException) {
        throw BadInput("$place cannot be read: ${error.message}")
    } catch (error: SecurityException) {
        throw BadInput("$place may not be read: ${error.message}")
    }

    private companion object {
        // The bitmap's and those that are taken out of it.
        const val BYTES_A_PIXEL = 8L
        const val MEGA = 1_000_000
    }
}
