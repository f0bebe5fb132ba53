package dev.litesmith.demo.benchmark

import android.app.Activity
import android.view.View
import android.widget.TextView
import dev.litesmith.demo.R
import dev.litesmith.demo.model.ModelOptions
import dev.litesmith.demo.view

/** The views of the benchmark screen. */
class BenchmarkScreen(private val activity: Activity) {
    private val start: View = activity.view(R.id.benchmark_start)
    private val text: TextView = activity.view(R.id.benchmark_text)

    fun connect(presenter: BenchmarkPresenter, options: () -> ModelOptions) {
        start.setOnClickListener { presenter.start(BenchmarkRequest(options = options())) }
    }

    fun show(state: BenchmarkUiState) {
        start.isEnabled = !state.running
        text.text = when {
            state.running -> activity.getString(R.string.running)
            state.message != null -> state.message
            else -> state.result?.let(::describe).orEmpty()
        }
    }

    private fun describe(result: BenchmarkResult): String = activity.getString(
        R.string.benchmark_result,
        result.delegate,
        result.request.options.threads,
        result.runNanos.size,
        micros(result.initNanos),
        micros(result.firstNanos),
        micros(result.percentile(BenchmarkResult.MEDIAN)),
        micros(result.percentile(BenchmarkResult.SLOW)),
        micros(result.percentile(BenchmarkResult.SLOWEST)),
    )

    private fun micros(nanos: Long) = nanos / NANOS_A_MICRO

    private companion object {
        const val NANOS_A_MICRO = 1_000L
    }
}
