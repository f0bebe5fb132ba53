package dev.litesmith.demo.benchmark

import dev.litesmith.contract.BadInput
import dev.litesmith.demo.LaterExecutor
import dev.litesmith.demo.Work
import dev.litesmith.demo.model.FakeModel
import dev.litesmith.demo.model.ModelOpener
import dev.litesmith.demo.workNow
import org.json.JSONObject
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test

class BenchmarkPresenterTest {
    private val fake = FakeModel(byteArrayOf(0), inputBytes = listOf(3, 2))
    private val shown = mutableListOf<BenchmarkUiState>()
    private val written = mutableListOf<JSONObject>()
    private val logged = mutableListOf<JSONObject>()
    private var clock = 0L

    @Test
    fun `a measurement is shown, written and logged`() {
        presenter().start(mapOf("model" to "bundled", "runs" to 3, "warmup_runs" to 2))
        assertEquals(listOf(false, true, false), shown.map(BenchmarkUiState::running))
        val document = written.single()
        assertEquals("[10, 10, 10]", document.getJSONArray("run_ns").toList().toString())
        assertEquals(10, document.getLong("p50_ns"))
        assertEquals(10, document.getLong("init_ns"))
        assertEquals("fake", document.getString("delegate"))
        assertEquals("here", document.getJSONObject("device").getString("model"))
        assertFalse(logged.single().has("run_ns"))
        // First, two to warm up, three that count; then it is closed.
        assertEquals(6, fake.fed.size)
        assertEquals(listOf(3, 2), fake.fed.last().map(ByteArray::size))
        assertTrue(fake.closed)
    }

    @Test
    fun `percentiles are runs that happened`() {
        val result = BenchmarkResult(BenchmarkRequest(), "fake", 1, 1, listOf(5, 1, 4, 2, 3))
        assertEquals(listOf<Long>(3, 5, 5), listOf(50, 90, 99).map(result::percentile))
        assertEquals(7, BenchmarkResult(BenchmarkRequest(), "fake", 1, 1, listOf(7)).percentile(50))
    }

    @Test
    fun `a request that makes no sense is shown and written, and nothing runs`() {
        presenter().start(mapOf("model" to "bundled", "runs" to -1))
        assertTrue("runs" in shown.last().message.orEmpty())
        assertTrue("runs" in written.single().getString("error"))
        assertTrue(fake.fed.isEmpty())
    }

    @Test
    fun `a model that cannot be opened ends the measurement`() {
        presenter { _, _ -> throw BadInput("no such file") }.start(BenchmarkRequest())
        assertEquals(BenchmarkUiState(message = "no such file"), shown.last())
        assertEquals("no such file", written.single().getString("error"))
    }

    @Test
    fun `a second start while one runs is ignored`() {
        val later = LaterExecutor()
        val presenter = presenter(Work(later, later)) { _, _ -> fake }
        presenter.start(BenchmarkRequest(runs = 2))
        presenter.start(BenchmarkRequest(runs = 2))
        presenter.start(mapOf("model" to "bundled", "runs" to -1))
        assertTrue(shown.last().running)
        later.runAll()
        assertEquals(1, written.size)
    }

    private fun presenter(work: Work = workNow(), opener: ModelOpener = ModelOpener { _, _ -> fake }) =
        BenchmarkPresenter(
            Benchmark(opener) { clock.also { clock += 10 } },
            work,
            { full, brief -> written.add(full) && logged.add(brief) },
            mapOf("model" to "here"),
            show = { shown += it },
        )
}
