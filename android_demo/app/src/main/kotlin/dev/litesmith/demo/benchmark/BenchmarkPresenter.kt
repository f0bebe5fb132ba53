package dev.litesmith.demo.benchmark

import dev.litesmith.contract.BadInput
import dev.litesmith.demo.StateHolder
import dev.litesmith.demo.Work
import org.json.JSONObject

/** Where results go beside the screen; [full] for a file, [brief] for a line of the log. */
fun interface ResultSink {
    fun write(full: JSONObject, brief: JSONObject)
}

/** The benchmark screen without its views; an intent takes the same way as its button. */
class BenchmarkPresenter(
    private val benchmark: Benchmark,
    private val work: Work,
    private val sink: ResultSink,
    private val device: Map<String, Any>,
    show: (BenchmarkUiState) -> Unit,
) {
    private val holder = StateHolder(BenchmarkUiState(), show)

    /** Measure what the extras of an intent say, unless a measurement is running. */
    fun start(extras: Map<String, Any?>) {
        if (holder.state.running) return
        try {
            start(BenchmarkRequest.of(extras))
        } catch (error: BadInput) {
            fail(error.message.orEmpty())
        }
    }

    /** Measure, unless a measurement is running: two at once would disturb each other. */
    fun start(request: BenchmarkRequest) {
        if (holder.state.running) return
        holder.update { BenchmarkUiState(running = true) }
        work.start(task = { benchmark.run(request) }, done = ::finish, failed = ::fail)
    }

    private fun finish(result: BenchmarkResult) {
        holder.update { BenchmarkUiState(result = result) }
        sink.write(result.toJson(device), result.summary(device))
    }

    private fun fail(message: String) {
        holder.update { it.copy(running = false, message = message) }
        BenchmarkResult.failure(message).let { sink.write(it, it) }
    }
}
