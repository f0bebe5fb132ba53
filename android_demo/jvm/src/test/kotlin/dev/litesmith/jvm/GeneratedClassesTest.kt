package dev.litesmith.jvm

import dev.litesmith.contract.Image
import dev.litesmith.contract.ImagePreprocess
import dev.litesmith.contract.ModelContract
import dev.litesmith.contract.TensorPreprocess
import dev.litesmith.contract.TextPreprocess
import java.nio.ByteBuffer
import org.json.JSONArray
import org.json.JSONObject
import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.DynamicTest
import org.junit.jupiter.api.TestFactory

/** The generated class of every kind of model: from raw input to the bytes that Python feeds, and back. */
class GeneratedClassesTest {
    private val text = checkNotNull(javaClass.getResource("/cases.json")).readText()
    private val cases = JSONArray(text).let { all -> List(all.length(), all::getJSONObject) }

    @TestFactory
    fun `each does what Python does`(): List<DynamicTest> {
        assertTrue(cases.size >= LEAST) { "only ${cases.size} cases" }
        println("generated classes: ${cases.size}")
        return cases.map { DynamicTest.dynamicTest(it.getString("package")) { check(it) } }
    }

    private fun check(case: JSONObject) {
        val contract = Class.forName("${case.getString("package")}.BundledModel").getField("INSTANCE").get(null)
        contract as ModelContract
        val encoded = contract.input.encode(preprocessed(contract, case))
        assertArrayEquals(case.bytes("tensor"), ByteArray(encoded.remaining(), encoded::get))
        val output = ByteBuffer.wrap(case.bytes("output"))
        val real = contract.output.decode(output).map(Float::toRawBits)
        assertEquals(case.ints("real"), real)
        assertEquals(case.getJSONArray("labels").map { it as String }, contract.labels)
    }

    private fun preprocessed(contract: ModelContract, case: JSONObject): FloatArray {
        val raw = case.ints("raw")
        return when (val preprocess = contract.preprocess) {
            is ImagePreprocess -> {
                val (height, width, channels) = case.ints("shape")
                val values = FloatArray(raw.size) { raw[it].toFloat() }
                preprocess.apply(Image(height, width, channels, true, values), case.getInt("rotate"))
            }
            is TensorPreprocess -> preprocess.apply(FloatArray(raw.size) { Float.fromBits(raw[it]) })
            is TextPreprocess -> error("texts have cases of their own")
        }
    }

    private companion object {
        const val LEAST = 13
    }
}

private fun JSONObject.ints(key: String): List<Int> =
    getJSONArray(key).let { array -> List(array.length(), array::getInt) }

private fun JSONObject.bytes(key: String): ByteArray = ints(key).map(Int::toByte).toByteArray()
