package dev.litesmith.demo.benchmark

import dev.litesmith.contract.BadInput
import dev.litesmith.demo.model.Accelerator
import dev.litesmith.demo.model.ModelOptions

/** The extras of an intent that ask for a benchmark. */
object BenchmarkExtras {
    const val MODEL = "model"
    private const val RUNS = "runs"
    private const val WARMUP_RUNS = "warmup_runs"
    private const val SECONDS = "seconds"
    private const val WARMUP_SECONDS = "warmup_seconds"
    private const val THREADS = "threads"
    private const val ACCELERATOR = "accelerator"
    private const val INPUTS = "inputs"
    private const val RESULT = "result"
    private val KNOWN = setOf(
        MODEL, RUNS, WARMUP_RUNS, SECONDS, WARMUP_SECONDS, THREADS, ACCELERATOR, INPUTS, RESULT,
    )

    /** A misspelt extra is refused, or it would time something else unnoticed. */
    fun read(extras: Map<String, Any?>): BenchmarkRequest {
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
            times = times(extras, default.times),
            inputs = extras.text(INPUTS)?.split(':') ?: default.inputs,
            result = extras.text(RESULT) ?: default.result,
        )
    }

    /** The name of the result, also of a request that makes no sense: somebody waits for it. */
    fun resultName(extras: Map<String, Any?>): String =
        (extras[RESULT] as? String)?.takeIf(BenchmarkRequest::isResultName).orEmpty()

    private fun times(extras: Map<String, Any?>, default: BenchmarkTimes) = BenchmarkTimes(
        extras.whole(RUNS) ?: default.runs,
        extras.whole(WARMUP_RUNS) ?: default.warmupRuns,
        extras.number(SECONDS) ?: default.seconds,
        extras.number(WARMUP_SECONDS) ?: default.warmupSeconds,
    )

    private fun Map<String, Any?>.text(key: String): String? = get(key)?.let {
        it as? String ?: throw BadInput("$key must be text (--es), not '$it'")
    }

    private fun Map<String, Any?>.whole(key: String): Int? = get(key)?.let {
        it as? Int ?: throw BadInput("$key must be a whole number (--ei), not '$it'")
    }

    private fun Map<String, Any?>.number(key: String): Float? = get(key)?.let {
        it as? Float ?: throw BadInput("$key must be a number (--ef), not '$it'")
    }
}
