package dev.litesmith.contract

import org.json.JSONArray
import org.json.JSONException
import org.json.JSONObject

/** Inputs, such as those of the test split, with the outputs that the file gave when it was measured. */
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

/** What a vector begins with. */
sealed interface GoldenInput {
    /** Real values, preprocessed. */
    class Values(val values: FloatArray) : GoldenInput

    /** @property pair the text that goes with it, where there is one. */
    class Text(val text: String, val pair: String?) : GoldenInput
}

/** [tensor] is what is fed, [output] is real; [predicted] is null where the output is no logits. */
class GoldenVector(
    val sample: Int,
    val predicted: Int?,
    val input: GoldenInput,
    val tensor: DoubleArray,
    val output: FloatArray,
) {
    companion object {
        internal fun of(document: JSONObject) = GoldenVector(
            document.getInt("sample"),
            if (document.isNull("predicted")) null else document.getJSONObject("predicted").getInt("index"),
            inputOf(document),
            document.getJSONArray("input_tensor").doubles(),
            document.getJSONArray("output").floats(),
        )

        private fun inputOf(document: JSONObject): GoldenInput = if (document.has("text")) {
            GoldenInput.Text(document.getString("text"), if (document.has("pair")) document.getString("pair") else null)
        } else {
            GoldenInput.Values(document.getJSONArray("input").floats())
        }
    }
}

private fun JSONArray.objects() = (0 until length()).map(::getJSONObject)

// Every float32 is written as the double that equals it, so nothing is rounded here.
private fun JSONArray.floats() = FloatArray(length()) { getDouble(it).toFloat() }

private fun JSONArray.doubles() = DoubleArray(length()) { getDouble(it) }
