package dev.litesmith.demo.benchmark

import dev.litesmith.demo.model.Model
import dev.litesmith.demo.model.ModelOpener
import java.nio.ByteBuffer
import java.nio.ByteOrder

/** Times a model inside the app, which is what its users feel. */
class Benchmark(private val opener: ModelOpener, private val nanos: () -> Long) {
    /** Inputs are zeros: the time of the usual kernels does not depend on the values. */
    fun run(request: BenchmarkRequest): BenchmarkResult {
        val start = nanos()
        return opener.open(request.model, request.options).use { model ->
            val init = nanos() - start
            val inputs = model.inputBytes.map { ByteBuffer.allocateDirect(it).order(ByteOrder.nativeOrder()) }
            val first = timed(model, inputs)
            repeat(request.warmupRuns) { timed(model, inputs) }
            BenchmarkResult(request, model.delegate, init, first, List(request.runs) { timed(model, inputs) })
        }
    }

    private fun timed(model: Model, inputs: List<ByteBuffer>): Long {
        inputs.forEach { it.rewind() }
        val start = nanos()
        model.run(inputs)
        return nanos() - start
    }
}
