package dev.litesmith.demo.benchmark

import dev.litesmith.contract.BadInput
import dev.litesmith.demo.model.MappedFile
import dev.litesmith.demo.model.Model
import dev.litesmith.demo.model.ModelOpener
import java.io.File
import java.nio.ByteBuffer
import java.nio.ByteOrder

/** Times a model inside the app, which is what its users feel. */
class Benchmark(private val opener: ModelOpener, private val nanos: () -> Long) {
    /** Outputs are those of the first run: a state that it leaves would change the others. */
    fun run(request: BenchmarkRequest): BenchmarkResult {
        val start = nanos()
        return opener.open(request.model, request.options).use { model ->
            val init = nanos() - start
            val inputs = inputs(request.inputs, model.inputBytes)
            val (first, outputs) = timed(model, inputs)
            val times = request.times
            BenchmarkResult(
                request = request,
                runtime = model.runtime,
                delegate = model.delegate,
                initNanos = init,
                firstNanos = first,
                warmupRuns = repeated(model, inputs, times.warmupRuns, times.warmupSeconds).size,
                runNanos = repeated(model, inputs, times.runs, times.seconds),
                outputs = if (request.inputs.isEmpty()) emptyList() else outputs.map(::bytes),
            )
        }
    }

    private fun repeated(model: Model, inputs: List<ByteBuffer>, runs: Int, seconds: Float): List<Long> {
        val times = mutableListOf<Long>()
        var left = (seconds * NANOS_A_SECOND).toLong()
        while (times.size < runs || (left > 0 && times.size < BenchmarkTimes.MOST_RUNS)) {
            times += timed(model, inputs).first.also { left -= it }
        }
        return times
    }

    private fun timed(model: Model, inputs: List<ByteBuffer>): Pair<Long, List<ByteBuffer>> {
        inputs.forEach { it.rewind() }
        val start = nanos()
        val outputs = model.run(inputs)
        return nanos() - start to outputs
    }

    /** Zeros where no [files] are given: the time of the usual kernels does not depend on the values. */
    private fun inputs(files: List<String>, sizes: List<Int>): List<ByteBuffer> {
        val inputs = sizes.map { ByteBuffer.allocateDirect(it).order(ByteOrder.nativeOrder()) }
        if (files.isEmpty()) return inputs
        if (files.size != sizes.size) throw BadInput("the model takes ${sizes.size} inputs, not ${files.size}")
        files.zip(inputs) { file, input ->
            val content = MappedFile.reading(file) { File(file).readBytes() }
            if (content.size != input.capacity()) {
                throw BadInput("$file has ${content.size} bytes, but the input takes ${input.capacity()}")
            }
            input.put(content)
        }
        return inputs
    }

    private fun bytes(output: ByteBuffer): ByteArray = ByteArray(output.remaining()).also { output.get(it) }

    private companion object {
        const val NANOS_A_SECOND = 1e9f
    }
}
