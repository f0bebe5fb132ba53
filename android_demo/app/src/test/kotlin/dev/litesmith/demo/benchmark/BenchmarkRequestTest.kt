package dev.litesmith.demo.benchmark

import dev.litesmith.contract.BadInput
import dev.litesmith.demo.model.Accelerator
import dev.litesmith.demo.model.ModelOptions
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Test

class BenchmarkRequestTest {
    @Test
    fun `extras say what is measured`() {
        val extras = mapOf(
            "model" to "/data/x.tflite", "runs" to 7, "warmup_runs" to 0, "threads" to 4, "accelerator" to "nnapi",
        )
        val expected = BenchmarkRequest("/data/x.tflite", ModelOptions(Accelerator.NNAPI, 4), 7, 0)
        assertEquals(expected, BenchmarkRequest.of(extras))
    }

    @Test
    fun `what is left out has its default`() {
        assertEquals(BenchmarkRequest(), BenchmarkRequest.of(mapOf("model" to "bundled")))
    }

    @Test
    fun `misspelt, wrongly typed and impossible extras are messages`() {
        val wrong = listOf(
            mapOf("run" to 7), mapOf("runs" to "7"), mapOf("runs" to 0), mapOf("runs" to 1_000_000),
            mapOf("warmup_runs" to -1), mapOf("threads" to 0), mapOf("model" to 3), mapOf("accelerator" to "tpu"),
        )
        for (extras in wrong) assertThrows(BadInput::class.java, { BenchmarkRequest.of(extras) }, "$extras")
    }
}
