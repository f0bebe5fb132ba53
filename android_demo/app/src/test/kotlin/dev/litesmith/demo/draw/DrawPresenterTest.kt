package dev.litesmith.demo.draw

import dev.litesmith.contract.BadInput
import dev.litesmith.contract.FakeContract
import dev.litesmith.contract.Image
import dev.litesmith.demo.LaterExecutor
import dev.litesmith.demo.Work
import dev.litesmith.demo.model.Accelerator
import dev.litesmith.demo.model.FakeModel
import dev.litesmith.demo.model.ModelOpener
import dev.litesmith.demo.model.ModelOptions
import dev.litesmith.demo.model.OpenModel
import dev.litesmith.demo.workNow
import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test

class DrawPresenterTest {
    private val fake = FakeModel(byteArrayOf(0, 4, 2))
    private val shown = mutableListOf<DrawUiState>()
    private var clock = 0L

    @Test
    fun `a finished stroke is counted in blocks, quantized and classified`() {
        val presenter = presenter()
        presenter.line(Point(0.25f, 0.25f), Point(0.25f, 0.25f))
        assertNull(shown.last().answer)
        presenter.finish()
        val answer = checkNotNull(shown.last().answer)
        assertEquals("b", answer.prediction.label)
        assertEquals(5, answer.micros)
        assertEquals("fake", answer.delegate)
        // A dot of 4 pixels in the upper left square of 4x4, and the zero point is -128.
        assertArrayEquals(byteArrayOf(-124, -128, -128, -128), fake.fed.single().single())
    }

    @Test
    fun `an empty drawing is not classified`() {
        presenter().finish()
        assertTrue(fake.fed.isEmpty())
    }

    @Test
    fun `clearing forgets the answer`() {
        val presenter = presenter()
        presenter.line(Point(0.5f, 0.5f), Point(0.5f, 0.5f))
        presenter.finish()
        presenter.clear()
        assertTrue(shown.last().drawing.isEmpty)
        assertNull(shown.last().answer)
    }

    @Test
    fun `another choice classifies again with it`() {
        val asked = mutableListOf<ModelOptions>()
        val presenter = presenter { _, options -> FakeModel(byteArrayOf(0, 4, 2)).also { asked += options } }
        presenter.line(Point(0.5f, 0.5f), Point(0.5f, 0.5f))
        presenter.finish()
        presenter.choose(ModelOptions(Accelerator.CPU, threads = 2))
        assertEquals(listOf(ModelOptions(), ModelOptions(Accelerator.CPU, 2)), asked)
    }

    @Test
    fun `what cannot be done is a message and the next answer removes it`() {
        val presenter = presenter { _, options ->
            if (options.accelerator == Accelerator.GPU) throw BadInput("no GPU") else fake
        }
        presenter.line(Point(0.5f, 0.5f), Point(0.5f, 0.5f))
        presenter.choose(ModelOptions(Accelerator.GPU))
        assertEquals("no GPU", shown.last().message)
        assertNull(shown.last().answer)
        presenter.choose(ModelOptions(Accelerator.CPU))
        assertNull(shown.last().message)
        assertEquals("b", shown.last().answer?.prediction?.label)
    }

    @Test
    fun `a picture is turned upright and classified instead of the drawing`() {
        val other = FakeModel(byteArrayOf(0, 0, 4))
        val presenter = presenter { _, options -> if (options.accelerator == Accelerator.CPU) other else fake }
        presenter.line(Point(0.5f, 0.5f), Point(0.5f, 0.5f))
        // Counts as they are, stored lying on the side.
        presenter.open { Picture(Image(2, 2, 1, true, floatArrayOf(1f, 2f, 3f, 4f)), rotate = 90) }
        assertEquals("b", shown.last().answer?.prediction?.label)
        assertTrue(shown.last().drawing.isEmpty)
        assertArrayEquals(byteArrayOf(-125, -127, -124, -126), fake.fed.single().single())
        presenter.choose(ModelOptions(Accelerator.CPU))
        assertEquals("c", shown.last().answer?.prediction?.label)
        presenter.line(Point(0.5f, 0.5f), Point(0.5f, 0.5f))
        assertNull(shown.last().picture)
    }

    @Test
    fun `a picture of one pixel is classified`() {
        presenter().open { Picture(Image.ofArgb(1, 1, intArrayOf(-1)), rotate = 270) }
        assertEquals("b", shown.last().answer?.prediction?.label)
        assertArrayEquals(ByteArray(4) { -112 }, fake.fed.single().single())
    }

    @Test
    fun `a picture that is too large or does not fit into memory is a message`() {
        val presenter = presenter()
        presenter.open { Picture(Image.ofArgb(10_000, 10_000, IntArray(0)), rotate = 0) }
        assertTrue("too large" in shown.last().message.orEmpty()) { shown.last().message }
        presenter.open { Picture(Image(1, 1, 1, true, FloatArray(Int.MAX_VALUE)), rotate = 0) }
        assertEquals(Work.NO_MEMORY, shown.last().message)
        assertNull(shown.last().answer)
        presenter.refuse("no app")
        assertEquals("no app", shown.last().message)
        presenter.clear()
        assertNull(shown.last().message)
    }

    @Test
    fun `an answer to an older drawing is not shown`() {
        val later = LaterExecutor()
        val presenter = presenter(Work(later, later)) { _, _ -> fake }
        presenter.line(Point(0.5f, 0.5f), Point(0.5f, 0.5f))
        presenter.finish()
        presenter.clear()
        later.runAll()
        assertEquals(1, fake.fed.size)
        assertNull(shown.last().answer)
    }

    private fun presenter(work: Work = workNow(), opener: ModelOpener = ModelOpener { _, _ -> fake }) = DrawPresenter(
        FakeContract,
        FakeContract.preprocess,
        OpenModel(opener),
        work,
        nanos = { clock.also { clock += 5_000 } },
        show = { shown += it },
    )
}
