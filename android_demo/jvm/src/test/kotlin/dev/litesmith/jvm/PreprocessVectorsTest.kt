package dev.litesmith.jvm

import dev.litesmith.contract.Affine
import dev.litesmith.contract.ElementType
import dev.litesmith.contract.Fit
import dev.litesmith.contract.Image
import dev.litesmith.contract.ImagePreprocess
import dev.litesmith.contract.Layout
import dev.litesmith.contract.Resize
import dev.litesmith.contract.Scaling
import dev.litesmith.contract.Size
import dev.litesmith.contract.TensorPreprocess
import java.io.File
import org.json.JSONArray
import org.json.JSONObject
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test

/** Kotlin's preprocessing and quantization against Python's, bit for bit. */
class PreprocessVectorsTest {
    private val file = File(checkNotNull(javaClass.getResource("/preprocess.jsonl")).toURI())
    private val vectors = file.readLines().map(::JSONObject)

    @Test
    fun `every vector gives the same bits`() {
        assertTrue(vectors.size >= LEAST) { "only ${vectors.size} vectors" }
        val steps = sortedMapOf<String, Int>()
        vectors.forEachIndexed { place, vector ->
            val contract = vector.getJSONObject("contract")
            val found = preprocessed(vector)
            val expected = vector.getJSONObject("tensor").getJSONArray("bits").ints()
            val bits = IntArray(found.size) { found[it].toRawBits() }
            assertEquals(expected.toList(), bits.toList()) { "vector $place: $contract" }
            assertEquals(expectedSteps(vector), quantized(vector, found)) { "vector $place, quantized: $contract" }
            words(contract).forEach { steps.merge(it, 1, Int::plus) }
        }
        println("preprocess: ${vectors.size} vectors are equal: $steps")
        assertTrue(steps.keys.containsAll(EVERY_STEP)) { "not covered: ${EVERY_STEP - steps.keys}" }
    }

    private fun preprocessed(vector: JSONObject): FloatArray {
        val contract = vector.getJSONObject("contract")
        val raw = vector.getJSONObject("raw")
        val is8Bit = raw.getString("dtype") == "uint8"
        val numbers = raw.getJSONArray("values").ints()
        val values = FloatArray(numbers.size) { if (is8Bit) numbers[it].toFloat() else Float.fromBits(numbers[it]) }
        val shape = raw.getJSONArray("shape").ints()
        if (contract.getString("kind") == "tensor") {
            return TensorPreprocess(contract.getJSONArray("shape").ints().toList(), scaling(contract)).apply(values)
        }
        val image = Image(shape[0], shape[1], shape.getOrElse(2) { 1 }, is8Bit, values)
        return imagePreprocess(contract).apply(image, vector.getInt("rotate"))
    }

    private fun imagePreprocess(contract: JSONObject): ImagePreprocess {
        val (height, width, channels) = contract.getJSONArray("shape").ints().toList()
        val resize = if (contract.getBoolean("antialias")) "antialiased" else contract.getString("resize")
        return ImagePreprocess(
            size = Size(height, width),
            channels = channels,
            crop = contract.getDouble("crop"),
            fit = Fit.valueOf(contract.getString("fit").uppercase()),
            resize = Resize.valueOf(resize.uppercase()),
            fill = contract.getInt("fill"),
            block = contract.getInt("block"),
            scaling = scaling(contract),
            layout = Layout.valueOf(contract.getString("layout").uppercase()),
        )
    }

    private fun scaling(contract: JSONObject) = Scaling(contract.floats("scale"), contract.floats("offset"))

    private fun quantized(vector: JSONObject, values: FloatArray): List<Int> {
        val target = vector.getJSONObject("quantized")
        val affine = Affine(target.getDouble("scale").toFloat(), target.getInt("zero_point"))
        val type = ElementType.valueOf(target.getString("dtype").uppercase())
        return values.map { affine.quantize(it, type) }
    }

    private fun expectedSteps(vector: JSONObject): List<Int> =
        vector.getJSONObject("quantized").getJSONArray("values").ints().toList()

    private fun words(contract: JSONObject): List<String> = listOf(
        contract.getString("kind"),
        contract.getString("fit"),
        contract.getString("layout"),
        if (contract.getBoolean("antialias")) "antialiased" else contract.getString("resize"),
        if (contract.getInt("block") > 1) "block" else "no block",
        if (contract.getDouble("crop") < 1) "crop" else "no crop",
        if (contract.get("scale") is JSONArray) "scales" else "one scale",
    )

    private companion object {
        const val LEAST = 1000
        val EVERY_STEP = setOf(
            "image", "tensor", "stretch", "center_crop", "letterbox", "nhwc", "nchw", "none", "nearest", "bilinear",
            "antialiased", "area", "block", "crop", "scales", "one scale",
        )
    }
}

private fun JSONArray.ints() = IntArray(length()) { getInt(it) }

private fun JSONObject.floats(key: String): FloatArray = when (val value = get(key)) {
    is JSONArray -> FloatArray(value.length()) { value.getDouble(it).toFloat() }
    else -> floatArrayOf(getDouble(key).toFloat())
}
