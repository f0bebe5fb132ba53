package dev.litesmith.contract

import org.json.JSONArray
import org.json.JSONException
import org.json.JSONObject

/** Inputs of the test split with the outputs that the file gave when it was measured. */
class GoldenVectors(val vectors: List<GoldenVector>, val tolerance: Tolerance) {
    companion object {
        /** Read a bundle's golden/vectors.json. */
        fun parse(text: String): GoldenVectors = try {
            val document = JSONObject(text)
            val tolerance = document.getJSONObject("tolerance")
            GoldenVectors(
                document.getJSONArray("vectors").objects().map(GoldenVector::of),
                Tolerance(tolerance.getDouble("step"), tolerance.getInt("steps"), tolerance.getString("unit")),
            )
        } catch (error: JSONException) {
            throw BadInput("golden/vectors.json cannot be read: ${error.message}")
        }
    }
}

/** How far another kernel may be off: [steps] times [step], which is one [unit]. */
data class Tolerance(val step: Double, val steps: Int, val unit: String)

/** [input] is real, [tensor] is what is fed, [output] is real. */
class GoldenVector(
    val sample: Int,
    val predicted: Int,
    val input: FloatArray,
    val tensor: DoubleArray,
    val output: FloatArray,
) {
    companion object {
        internal fun of(document: JSONObject) = GoldenVector(
            document.getInt("sample"),
            document.getJSONObject("predicted").getInt("index"),
            document.getJSONArray("input").floats(),
            document.getJSONArray("input_tensor").doubles(),
            document.getJSONArray("output").floats(),
        )
    }
}

private fun JSONArray.objects() = (0 until length()).map(::getJSONObject)

// Every float32 is written as the double that equals it, so nothing is rounded here.
private fun JSONArray.floats() = FloatArray(length()) { getDouble(it).toFloat() }

private fun JSONArray.doubles() = DoubleArray(length()) { getDouble(it) }
