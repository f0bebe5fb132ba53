package dev.litesmith.contract

import dev.litesmith.contract.text.TextContract
import java.nio.ByteBuffer
import kotlin.math.abs

// A float32 output of many steps is itself rounded by a small part of one.
private const val ROUNDING = 0.01

/** What a self-test found. */
sealed interface SelfTestResult {
    /** Every vector is within the tolerance; [maxSteps] is the largest difference, in [unit]. */
    data class Pass(val vectors: Int, val values: Int, val maxSteps: Double, val unit: String) : SelfTestResult

    /** Where it first was not. */
    data class Difference(val sample: Int, val what: String) : SelfTestResult
}

/**
 * Runs golden vectors as an app runs its input: made a tensor by [contract], through [run], dequantized again.
 *
 * @param texts what makes ids, for a model that takes texts.
 */
class SelfTest(
    private val contract: ModelContract,
    private val texts: TextContract? = null,
    private val run: (ByteBuffer) -> ByteBuffer,
) {
    /** Stops at the first vector that differs. */
    fun check(golden: GoldenVectors): SelfTestResult {
        expect(golden.vectors.isNotEmpty()) { "there are no golden vectors" }
        var values = 0
        var most = 0.0
        for (vector in golden.vectors) {
            val tensor = tensorOf(vector.input)
            inputDifference(vector, tensor)?.let { return SelfTestResult.Difference(vector.sample, it) }
            val output = contract.output.decode(run(tensor))
            val steps = furthest(vector, output, golden.tolerance)
            outputDifference(vector, output, steps, golden.tolerance)?.let {
                return SelfTestResult.Difference(vector.sample, it)
            }
            values += output.size
            most = maxOf(most, steps)
        }
        return SelfTestResult.Pass(golden.vectors.size, values, most, golden.tolerance.unit)
    }

    private fun tensorOf(input: GoldenInput): ByteBuffer = when (input) {
        is GoldenInput.Values -> contract.input.encode(input.values)
        is GoldenInput.Text -> {
            val made = texts ?: throw BadInput("the vectors hold texts, but the model takes none; bundle it again")
            contract.input.encode(made.encode(input.text, input.pair).ids)
        }
    }

    private fun inputDifference(vector: GoldenVector, tensor: ByteBuffer): String? {
        val found = if (contract.input.type == ElementType.FLOAT32) {
            contract.input.decode(tensor).map(Float::toDouble)
        } else {
            contract.input.steps(tensor).map(Int::toDouble)
        }
        expect(found.size == vector.tensor.size) { "a vector has ${vector.tensor.size} inputs, not ${found.size}" }
        val place = found.indices.firstOrNull { found[it] != vector.tensor[it] } ?: return null
        return "input $place is ${found[place]}, expected ${vector.tensor[place]}"
    }

    private fun furthest(vector: GoldenVector, output: FloatArray, tolerance: Tolerance): Double {
        expect(output.size == vector.output.size) { "a vector has ${vector.output.size} outputs, not ${output.size}" }
        return output.indices.maxOf { abs(output[it].toDouble() - vector.output[it]) } / tolerance.step
    }

    private fun outputDifference(
        vector: GoldenVector,
        output: FloatArray,
        steps: Double,
        tolerance: Tolerance,
    ): String? {
        // The other way round would let NaN pass.
        if (!(steps <= tolerance.steps + ROUNDING)) {
            return "an output is off by $steps ${tolerance.unit}, ${tolerance.steps} allowed"
        }
        val expected = vector.predicted ?: return null
        val found = Prediction.of(output, contract.labels)
        if (found.index == expected) return null
        return "class ${found.label}, expected ${contract.labels.getOrElse(expected) { "number $it" }}"
    }
}
