package dev.litesmith.demo.benchmark

import dev.litesmith.contract.BadInput
import dev.litesmith.demo.model.Accelerator
import dev.litesmith.demo.model.ModelOptions
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Test

class BenchmarkExtrasTest {
    @Test
    fun `extras say what is measured`() {
        val extras = mapOf(
            "model" to "/data/x.tflite", "runs" to 7, "warmup_runs" to 0, "seconds" to 0.5f, "warmup_seconds" to 0.25f,
            "threads" to 4, "accelerator" to "nnapi", "inputs" to "/data/a:/data/b", "result" to "a1",
        )
        val expected = BenchmarkRequest(
            "/data/x.tflite",
            ModelOptions(Accelerator.NNAPI, 4),
            BenchmarkTimes(7, 0, 0.5f, 0.25f),
            listOf("/data/a", "/data/b"),
            "a1",
        )
        assertEquals(expected, BenchmarkExtras.read(extras))
    }

    @Test
    fun `what is left out has its default`() {
        assertEquals(BenchmarkRequest(), BenchmarkExtras.read(mapOf("model" to "bundled")))
    }

    @Test
    fun `misspelt, wrongly typed and impossible extras are messages`() {
        val wrong = listOf(
            mapOf("run" to 7), mapOf("runs" to "7"), mapOf("runs" to 0), mapOf("runs" to 1_000_000),
            mapOf("warmup_runs" to -1), mapOf("threads" to 0), mapOf("model" to 3), mapOf("accelerator" to "tpu"),
            mapOf("seconds" to 1), mapOf("seconds" to -1f), mapOf("seconds" to Float.NaN),
            mapOf("warmup_seconds" to 1e6f), mapOf("inputs" to 1), mapOf("result" to "../x"), mapOf("result" to 1),
        )
        for (extras in wrong) assertThrows(BadInput::class.java, { BenchmarkExtras.read(extras) }, "$extras")
    }

    @Test
    fun `a result has its name also where nothing else makes sense, but no path`() {
        assertEquals("a1", BenchmarkExtras.resultName(mapOf("result" to "a1", "runs" to -1)))
        for (name in listOf(null, 1, "../x", "A")) assertEquals("", BenchmarkExtras.resultName(mapOf("result" to name)))
    }
}
