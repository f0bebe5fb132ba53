package dev.litesmith.demo.benchmark

/** All that the benchmark screen shows. */
data class BenchmarkUiState(
    val running: Boolean = false,
    val result: BenchmarkResult? = null,
    val message: String? = null,
)
