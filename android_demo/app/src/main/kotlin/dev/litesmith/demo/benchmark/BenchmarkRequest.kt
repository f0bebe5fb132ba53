package dev.litesmith.demo.benchmark

import dev.litesmith.contract.BadInput
import dev.litesmith.demo.model.Accelerator
import dev.litesmith.demo.model.ModelOpener
import dev.litesmith.demo.model.ModelOptions

/** What is to be timed; [model] as in [ModelOpener.open]. */
data class BenchmarkRequest(
    val model: String = ModelOpener.BUNDLED,
    val options: ModelOptions = ModelOptions(),
    val runs: Int = 100,
    val warmupRuns: Int = 10,
) {
    init {
        if (runs !in 1..MOST_RUNS) throw BadInput("runs must be 1 to $MOST_RUNS, not $runs")
        if (warmupRuns !in 0..MOST_RUNS) throw BadInput("warmup_runs must be 0 to $MOST_RUNS, not $warmupRuns")
    }

    companion object {
        const val MODEL = "model"
        private const val RUNS = "runs"
        private const val WARMUP_RUNS = "warmup_runs"
        private const val THREADS = "threads"
        private const val ACCELERATOR = "accelerator"
        private const val MOST_RUNS = 100_000
        private val KNOWN = setOf(MODEL, RUNS, WARMUP_RUNS, THREADS, ACCELERATOR)

        /** From the extras of an intent; a misspelt one is refused, or it would time something else unnoticed. */
        fun of(extras: Map<String, Any?>): BenchmarkRequest {
            (extras.keys - KNOWN).firstOrNull()?.let {
                throw BadInput("extra '$it' is not one of ${KNOWN.joinToString()}")
            }
            val default = BenchmarkRequest()
            return BenchmarkRequest(
                model = extras.text(MODEL) ?: default.model,
                options = ModelOptions(
                    extras.text(ACCELERATOR)?.let(Accelerator::of) ?: default.options.accelerator,
                    extras.whole(THREADS) ?: default.options.threads,
                ),
                runs = extras.whole(RUNS) ?: default.runs,
                warmupRuns = extras.whole(WARMUP_RUNS) ?: default.warmupRuns,
            )
        }

        private fun Map<String, Any?>.text(key: String): String? = get(key)?.let {
            it as? String ?: throw BadInput("$key must be text (--es), not '$it'")
        }

        private fun Map<String, Any?>.whole(key: String): Int? = get(key)?.let {
            it as? Int ?: throw BadInput("$key must be a whole number (--ei), not '$it'")
        }
    }
}
