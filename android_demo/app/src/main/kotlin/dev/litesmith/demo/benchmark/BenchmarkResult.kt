package dev.litesmith.demo.benchmark

import java.util.Base64
import org.json.JSONArray
import org.json.JSONObject

/**
 * What a benchmark measured, all in nanoseconds.
 *
 * @property runNanos in the order of the runs, at least one.
 * @property outputs the bytes of each output, where inputs were given.
 */
data class BenchmarkResult(
    val request: BenchmarkRequest,
    val runtime: String,
    val delegate: String,
    val initNanos: Long,
    val firstNanos: Long,
    val warmupRuns: Int,
    val runNanos: List<Long>,
    val outputs: List<ByteArray> = emptyList(),
) {
    /** The smallest run that at least [percent] of all runs do not exceed. */
    fun percentile(percent: Int): Long {
        val sorted = runNanos.sorted()
        val rank = (sorted.size.toLong() * percent + WHOLE - 1) / WHOLE
        return sorted[(rank.toInt() - 1).coerceAtLeast(0)]
    }

    /** For a file; [device] says where it was measured. */
    fun toJson(device: Map<String, Any>): JSONObject = summary(device)
        .put("run_ns", JSONArray(runNanos))
        .put("outputs", JSONArray(outputs.map(Base64.getEncoder()::encodeToString)))

    /** [toJson] without the single runs and the outputs, short enough for a line of the log. */
    fun summary(device: Map<String, Any>): JSONObject = JSONObject()
        .put("version", FORMAT)
        .put("model", request.model)
        .put("accelerator", request.options.accelerator.title)
        .put("runtime", runtime)
        .put("delegate", delegate)
        .put("threads", request.options.threads)
        .put("warmup_runs", warmupRuns)
        .put("runs", runNanos.size)
        .put("init_ns", initNanos)
        .put("first_ns", firstNanos)
        .put("p50_ns", percentile(MEDIAN))
        .put("p90_ns", percentile(SLOW))
        .put("p99_ns", percentile(SLOWEST))
        .put("device", JSONObject(device))

    companion object {
        private const val FORMAT = 2
        private const val WHOLE = 100
        const val MEDIAN = 50
        const val SLOW = 90
        const val SLOWEST = 99

        /** The document of a request that could not be measured. */
        fun failure(message: String): JSONObject = JSONObject().put("version", FORMAT).put("error", message)
    }
}
