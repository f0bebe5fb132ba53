package dev.litesmith.demo.benchmark

import dev.litesmith.contract.BadInput
import dev.litesmith.demo.LaterExecutor
import dev.litesmith.demo.Work
import dev.litesmith.demo.model.FakeModel
import dev.litesmith.demo.model.ModelOpener
import dev.litesmith.demo.workNow
import java.io.File
import org.json.JSONObject
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir

class BenchmarkPresenterTest {
    private val fake = FakeModel(byteArrayOf(0), inputBytes = listOf(3, 2))
    private val shown = mutableListOf<BenchmarkUiState>()
    private val written = mutableListOf<JSONObject>()
    private val names = mutableListOf<String>()
    private val logged = mutableListOf<JSONObject>()
    private var clock = 0L

    @Test
    fun `a measurement is shown, written and logged`() {
        presenter().start(mapOf("model" to "bundled", "runs" to 3, "warmup_runs" to 2, "result" to "mine"))
        assertEquals(listOf(false, true, false), shown.map(BenchmarkUiState::running))
        val document = written.single()
        assertEquals("[10, 10, 10]", document.getJSONArray("run_ns").toList().toString())
        assertEquals(10, document.getLong("p50_ns"))
        assertEquals(10, document.getLong("init_ns"))
        assertEquals("fake", document.getString("delegate"))
        assertEquals("0.0", document.getString("runtime"))
        assertEquals(2, document.getInt("warmup_runs"))
        assertEquals(0, document.getJSONArray("outputs").length())
        assertEquals(listOf("mine"), names)
        assertEquals("here", document.getJSONObject("device").getString("model"))
        assertFalse(logged.single().has("run_ns"))
        // First, two to warm up, three that count; then it is closed.
        assertEquals(6, fake.fed.size)
        assertEquals(listOf(3, 2), fake.fed.last().map(ByteArray::size))
        assertTrue(fake.closed)
    }

    @Test
    fun `percentiles are runs that happened`() {
        val result = result(listOf(5, 1, 4, 2, 3))
        assertEquals(listOf<Long>(3, 5, 5), listOf(50, 90, 99).map(result::percentile))
        assertEquals(7, result(listOf(7)).percentile(50))
    }

    @Test
    fun `runs go on until they took so long, and no longer than is allowed`() {
        val presenter = presenter { _, _ -> FakeModel(byteArrayOf(0)) }
        presenter.start(mapOf("model" to "bundled", "runs" to 2, "warmup_runs" to 0, "seconds" to 95e-9f))
        assertEquals(10, written.single().getInt("runs"))
        presenter.start(mapOf("model" to "bundled", "runs" to 1, "warmup_runs" to 0, "warmup_seconds" to 3600f))
        assertEquals(BenchmarkTimes.MOST_RUNS, written.last().getInt("warmup_runs"))
    }

    @Test
    fun `given inputs are fed in every run, and give the outputs of the first`(@TempDir folder: File) {
        val files = listOf(byteArrayOf(1, 2, 3), byteArrayOf(4, 5)).mapIndexed { place, content ->
            File(folder, "$place").apply { writeBytes(content) }.path
        }
        val counting = FakeModel(byteArrayOf(7, 8), inputBytes = listOf(3, 2))
        presenter { _, _ -> counting }.start(mapOf("inputs" to files.joinToString(":"), "runs" to 2))
        assertEquals("[\"Bwg=\"]", written.single().getJSONArray("outputs").toString())
        assertFalse(logged.single().has("outputs"))
        for (fed in counting.fed) assertEquals(listOf(listOf<Byte>(1, 2, 3), listOf<Byte>(4, 5)), fed.map { it.toList() })
    }

    @Test
    fun `inputs that do not fit are messages`(@TempDir folder: File) {
        val file = File(folder, "x").apply { writeBytes(byteArrayOf(1, 2, 3)) }
        val wrong = mapOf("$file" to "takes 2 inputs", "$file:$file" to "3 bytes", "$folder/no:$file" to "cannot be read")
        for ((inputs, words) in wrong) {
            presenter { _, _ -> FakeModel(byteArrayOf(0), listOf(3, 2)) }.start(mapOf("inputs" to inputs, "result" to "mine"))
            assertTrue(words in written.last().getString("error")) { written.last().toString() }
        }
        assertEquals(setOf("mine"), names.toSet())
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
        presenter.start(BenchmarkRequest(times = BenchmarkTimes(runs = 2)))
        presenter.start(BenchmarkRequest(times = BenchmarkTimes(runs = 2)))
        presenter.start(mapOf("model" to "bundled", "runs" to -1))
        assertTrue(shown.last().running)
        later.runAll()
        assertEquals(1, written.size)
    }

    private fun result(nanos: List<Long>) = BenchmarkResult(BenchmarkRequest(), "0.0", "fake", 1, 1, 0, nanos)

    private fun presenter(work: Work = workNow(), opener: ModelOpener = ModelOpener { _, _ -> fake }) =
        BenchmarkPresenter(
            Benchmark(opener) { clock.also { clock += 10 } },
            work,
            { name, full, brief -> names.add(name) && written.add(full) && logged.add(brief) },
            { mapOf("model" to "here") },
            show = { shown += it },
        )
}
