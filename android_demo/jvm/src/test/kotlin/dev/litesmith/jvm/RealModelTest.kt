package dev.litesmith.jvm

import dev.litesmith.contract.BadInput
import dev.litesmith.contract.GoldenVectors
import dev.litesmith.contract.SelfTest
import dev.litesmith.contract.SelfTestResult
import dev.litesmith.demo.benchmark.Benchmark
import dev.litesmith.demo.benchmark.BenchmarkRequest
import dev.litesmith.demo.benchmark.BenchmarkTimes
import dev.litesmith.demo.model.Accelerator
import dev.litesmith.demo.model.ModelOpener
import dev.litesmith.demo.model.ModelOptions
import dev.litesmith.demo.model.TfLiteModel
import dev.litesmith.generated.BundledModel
import java.nio.ByteBuffer
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertInstanceOf
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.params.ParameterizedTest
import org.junit.jupiter.params.provider.CsvSource

/** The app's own way to TFLite, with the model of the bundle, on this computer. */
class RealModelTest {
    @ParameterizedTest
    @CsvSource("CPU,1", "CPU,2", "XNNPACK,1", "XNNPACK,2")
    fun `the golden vectors pass`(accelerator: Accelerator, threads: Int) {
        DesktopLibrary.assumeLoaded()
        TfLiteModel.open(direct(asset(BundledModel.asset)), ModelOptions(accelerator, threads)).use { model ->
            val golden = GoldenVectors.parse(String(asset(BundledModel.golden)))
            val result = SelfTest(BundledModel) { input -> model.run(listOf(input)).single() }.check(golden)
            println("real model, $accelerator, $threads threads: $result; ${golden.tolerance} allowed")
            val pass = assertInstanceOf(SelfTestResult.Pass::class.java, result)
            assertEquals(golden.vectors.size, pass.vectors)
        }
    }

    @Test
    fun `a benchmark runs as often as asked`() {
        DesktopLibrary.assumeLoaded()
        val opener = ModelOpener { _, options -> TfLiteModel.open(direct(asset(BundledModel.asset)), options) }
        val result = Benchmark(opener, System::nanoTime).run(BenchmarkRequest(times = BenchmarkTimes(7, 0)))
        assertEquals(7, result.runNanos.size)
        assertTrue(result.runNanos.all { it > 0 })
        assertEquals("XNNPACK", result.delegate)
        assertEquals("2.6", result.runtime.substringBeforeLast("."))
    }

    @Test
    fun `a file that is no model is a message`() {
        DesktopLibrary.assumeLoaded()
        val error = assertThrows(BadInput::class.java) { TfLiteModel.open(direct(ByteArray(100)), ModelOptions()) }
        assertTrue("open the model" in error.message.orEmpty()) { error.message }
    }

    @Test
    fun `a GPU that the build lacks is a message`() {
        val options = ModelOptions(Accelerator.GPU)
        val error = assertThrows(BadInput::class.java) { TfLiteModel.open(direct(asset(BundledModel.asset)), options) }
        assertTrue("no GPU delegate" in error.message.orEmpty()) { error.message }
    }

    private fun asset(name: String): ByteArray =
        checkNotNull(javaClass.getResourceAsStream("/$name")) { name }.use { it.readBytes() }

    private fun direct(content: ByteArray): ByteBuffer =
        ByteBuffer.allocateDirect(content.size).apply { put(content).rewind() }
}
