package dev.litesmith.demo.benchmark

import dev.litesmith.contract.BadInput
import dev.litesmith.demo.model.ModelOpener
import dev.litesmith.demo.model.ModelOptions

/**
 * What is to be timed.
 *
 * @property model as in [ModelOpener.open].
 * @property times how often it runs.
 * @property inputs a file for each input with its bytes; none for zeros, and then no outputs are given.
 * @property result the name of the result, `[0-9a-z]*`; see [ResultSink].
 */
data class BenchmarkRequest(
    val model: String = ModelOpener.BUNDLED,
    val options: ModelOptions = ModelOptions(),
    val times: BenchmarkTimes = BenchmarkTimes(),
    val inputs: List<String> = emptyList(),
    val result: String = "",
) {
    init {
        if (!RESULT_NAME.matches(result)) throw BadInput("result must be made of 0-9 and a-z, not '$result'")
    }

    companion object {
        private val RESULT_NAME = Regex("[0-9a-z]{0,64}")

        /** Whether [name] can be that of a result. */
        fun isResultName(name: String): Boolean = RESULT_NAME.matches(name)
    }
}

/** At least [runs] runs and [seconds] of them, after [warmupRuns] and [warmupSeconds] that do not count. */
data class BenchmarkTimes(
    val runs: Int = 100,
    val warmupRuns: Int = 10,
    val seconds: Float = 0f,
    val warmupSeconds: Float = 0f,
) {
    init {
        if (runs !in 1..MOST_RUNS) throw BadInput("runs must be 1 to $MOST_RUNS, not $runs")
        if (warmupRuns !in 0..MOST_RUNS) throw BadInput("warmup_runs must be 0 to $MOST_RUNS, not $warmupRuns")
        // Not a number is in no range.
        if (seconds !in 0f..MOST_SECONDS) throw BadInput("seconds must be 0 to $MOST_SECONDS, not $seconds")
        if (warmupSeconds !in 0f..MOST_SECONDS) {
            throw BadInput("warmup_seconds must be 0 to $MOST_SECONDS, not $warmupSeconds")
        }
    }

    companion object {
        /** However long it shall take, no more runs than these are made. */
        const val MOST_RUNS = 100_000
        private const val MOST_SECONDS = 3600f
    }
}
