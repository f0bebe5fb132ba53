package dev.litesmith.contract

/**
 * How raw input becomes the model's real values: calibration/preprocess.py in Kotlin, bit for bit.
 *
 * Nothing here is Android's: `Bitmap.createScaledBitmap` resamples in its own way.
 */
sealed interface Preprocess

/** Numbers that only get their scale and offset. */
class TensorPreprocess(private val shape: List<Int>, private val scaling: Scaling) : Preprocess {
    /** Values in the order of the axes. */
    fun apply(values: FloatArray): FloatArray {
        val count = shape.fold(1, Int::times)
        expect(values.size == count) { "${values.size} numbers do not fit shape $shape, which has $count" }
        return scaling.apply(values, shape.last())
    }
}

/** What is done with an image of other proportions. */
enum class Fit { STRETCH, CENTER_CROP, LETTERBOX }

/** Order of an image's axes in the tensor. */
enum class Layout { NHWC, NCHW }

/** Images: the nine steps of the contract. */
class ImagePreprocess(
    val size: Size,
    private val channels: Int,
    private val crop: Double,
    private val fit: Fit,
    private val resize: Resize,
    private val fill: Int,
    private val block: Int,
    private val scaling: Scaling,
    private val layout: Layout,
) : Preprocess {
    /** Rows and columns before blocks are counted: what a drawing should have. */
    val canvas: Size = Size(size.height * block, size.width * block)

    /** An image, turned clockwise by [rotate] degrees, as real values in the order of the tensor's axes. */
    fun apply(image: Image, rotate: Int = 0): FloatArray {
        val scaled = scaling.apply(pixels(image.upright(rotate)).values(), channels)
        if (layout == Layout.NHWC) return scaled
        val plane = size.height * size.width
        return FloatArray(scaled.size) { place -> scaled[place % plane * channels + place / plane] }
    }

    private fun pixels(image: Image): Image {
        val fitsAlready = image.height == size.height && image.width == size.width && image.channels == channels
        if (block > 1 && fitsAlready) return image.checkedCounts(block)
        var result = image.withChannels(channels)
        if (crop < 1.0) result = result.centralShare(crop)
        if (fit == Fit.CENTER_CROP) result = result.centralAspect(canvas)
        val target = if (fit == Fit.LETTERBOX) result.letterboxSize(canvas) else canvas
        result = result.resized(target, resize).asItCame(image.is8Bit)
        if (fit == Fit.LETTERBOX) result = result.onCanvas(canvas, fill)
        return if (block > 1) result.blockCounts(block) else result
    }
}
