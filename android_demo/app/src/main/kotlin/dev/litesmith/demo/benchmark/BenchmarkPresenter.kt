package dev.litesmith.demo.benchmark

import dev.litesmith.contract.BadInput
import dev.litesmith.demo.StateHolder
import dev.litesmith.demo.Work
import org.json.JSONObject

/** Where results go beside the screen. */
fun interface ResultSink {
    /** [name] is that of the request, [full] for a file, [brief] for a line of the log. */
    fun write(name: String, full: JSONObject, brief: JSONObject)
}

/** The benchmark screen without its views; an intent takes the same way as its button. */
class BenchmarkPresenter(
    private val benchmark: Benchmark,
    private val work: Work,
    private val sink: ResultSink,
    private val device: () -> Map<String, Any>,
    show: (BenchmarkUiState) -> Unit,
) {
    private val holder = StateHolder(BenchmarkUiState(), show)

    /** Measure what the extras of an intent say, unless a measurement is running. */
    fun start(extras: Map<String, Any?>) {
        if (holder.state.running) return
        try {
            start(BenchmarkExtras.read(extras))
        } catch (error: BadInput) {
            fail(BenchmarkExtras.resultName(extras), error.message.orEmpty())
        }
    }

    /** Measure, unless a measurement is running: two at once would disturb each other. */
    fun start(request: BenchmarkRequest) {
        if (holder.state.running) return
        holder.update { BenchmarkUiState(running = true) }
        work.start({ benchmark.run(request) }, done = ::finish, failed = { fail(request.result, it) })
    }

    private fun finish(result: BenchmarkResult) {
        holder.update { BenchmarkUiState(result = result) }
        val here = device()
        sink.write(result.request.result, result.toJson(here), result.summary(here))
    }

    private fun fail(name: String, message: String) {
        holder.update { it.copy(running = false, message = message) }
        BenchmarkResult.failure(message).let { sink.write(name, it, it) }
    }
}
