package dev.litesmith.demo.text

import dev.litesmith.contract.BadInput
import dev.litesmith.contract.FakeTextContract
import dev.litesmith.contract.Task
import dev.litesmith.demo.LaterExecutor
import dev.litesmith.demo.Work
import dev.litesmith.demo.model.Accelerator
import dev.litesmith.demo.model.FakeModel
import dev.litesmith.demo.model.ModelOpener
import dev.litesmith.demo.model.ModelOptions
import dev.litesmith.demo.model.OpenModel
import dev.litesmith.demo.workNow
import java.nio.ByteBuffer
import java.nio.ByteOrder
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test

class TextPresenterTest {
    private val fake = FakeModel(byteArrayOf(0, 4, 2), listOf(ID_BYTES))
    private val shown = mutableListOf<TextUiState>()
    private var clock = 0L

    @Test
    fun `a text becomes ids and is classified`() {
        presenter().ask("undo", "")
        val answer = checkNotNull(shown.last().answer)
        assertEquals("b", (answer.said as Said.OfOne).prediction.label)
        assertEquals(5, answer.micros)
        assertEquals("fake", answer.delegate)
        assertEquals(listOf(2, 4, 5, 3, 0), ids(fake.fed.single().single()))
    }

    @Test
    fun `without labels two texts are compared`() {
        val presenter = presenter(FakeTextContract(labels = emptyList()))
        assertTrue(presenter.takesTwo)
        presenter.ask("do", "undo")
        val answer = checkNotNull(shown.last().answer)
        assertEquals(1.0, (answer.said as Said.OfTwo).cosine, 1e-9)
        assertEquals(2, answer.micros)
        assertEquals(listOf(listOf(2, 6, 3, 0, 0), listOf(2, 4, 5, 3, 0)), fake.fed.map { ids(it.single()) })
    }

    @Test
    fun `each word of a text gets a label`() {
        val tokens = FakeTextContract(task = Task.TOKEN_CLASSIFICATION)
        val logits = byteArrayOf(0, 0, 0, 0, 9, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0)
        val presenter = presenter(tokens) { _, _ -> FakeModel(logits, listOf(ID_BYTES)) }
        presenter.ask("undo", "")
        val words = (checkNotNull(shown.last().answer).said as Said.OfWords).words
        assertEquals(listOf("undo" to "b"), words.map { it.text to it.label })
        presenter.ask("do ".repeat(1_000), "")
        assertEquals(3, (checkNotNull(shown.last().answer).said as Said.OfWords).words.size)
        presenter.ask("   ", "")
        assertEquals(Said.OfWords(emptyList()), shown.last().answer?.said)
    }

    @Test
    fun `a question is answered from its passage`() {
        val logits = byteArrayOf(0, 0, 0, 0, 0, 0, 6, 0, 0, 4, 0, 0, 0, 0)
        val answering = FakeModel(logits, listOf(ID_BYTES))
        val presenter = presenter(FakeTextContract(emptyList(), 7, Task.QUESTION_ANSWERING)) { _, _ -> answering }
        assertTrue(presenter.takesTwo)
        presenter.ask("do", "undo")
        val answer = checkNotNull((checkNotNull(shown.last().answer).said as Said.OfPassage).answer)
        assertEquals("undo" to 5.0, answer.text to answer.score)
        assertEquals(listOf(2, 6, 3, 4, 5, 3, 0), ids(answering.fed.single().single()))
        presenter.ask("do ".repeat(1_000), "undo ".repeat(1_000))
        assertTrue((checkNotNull(shown.last().answer).said as Said.OfPassage).answer != null)
        presenter.ask("do", "   ")
        assertEquals(Said.OfPassage(null), shown.last().answer?.said)
    }

    @Test
    fun `a row without room for a passage is a message`() {
        presenter(FakeTextContract(emptyList(), 4, Task.QUESTION_ANSWERING)).ask("do", "undo")
        assertTrue("no room for two texts" in shown.last().message.orEmpty()) { shown.last().message }
    }

    @Test
    fun `nothing is asked while a text is missing`() {
        presenter().ask("", "do")
        presenter(FakeTextContract(labels = emptyList())).ask("do", "")
        presenter(FakeTextContract(emptyList(), task = Task.QUESTION_ANSWERING)).ask("do", "")
        assertTrue(fake.fed.isEmpty())
    }

    @Test
    fun `another choice asks again with it, and nothing before the first question`() {
        val asked = mutableListOf<ModelOptions>()
        val presenter = presenter { _, options -> fresh().also { asked += options } }
        presenter.choose(ModelOptions())
        assertTrue(asked.isEmpty())
        presenter.ask("do", "")
        presenter.choose(ModelOptions(Accelerator.CPU, threads = 2))
        assertEquals(listOf(ModelOptions(), ModelOptions(Accelerator.CPU, 2)), asked)
    }

    @Test
    fun `what cannot be done is a message and the next answer removes it`() {
        val presenter = presenter { _, options ->
            if (options.accelerator == Accelerator.GPU) throw BadInput("no GPU") else fresh()
        }
        presenter.ask("do", "")
        presenter.choose(ModelOptions(Accelerator.GPU))
        assertEquals("no GPU", shown.last().message)
        assertNull(shown.last().answer)
        presenter.choose(ModelOptions(Accelerator.CPU))
        assertNull(shown.last().message)
        presenter.ask("half: \uD83D", "")
        assertTrue("half of a character" in shown.last().message.orEmpty()) { shown.last().message }
    }

    @Test
    fun `an answer to an older question is not shown`() {
        val later = LaterExecutor()
        val presenter = presenter(work = Work(later, later))
        presenter.ask("do", "")
        presenter.ask("undo", "")
        later.runAll()
        assertEquals(2, fake.fed.size)
        assertEquals(listOf(listOf("undo")), shown.filter { it.answer != null }.map(TextUiState::asked))
    }

    /** Another choice closes the model that was open. */
    private fun fresh() = FakeModel(byteArrayOf(0, 4, 2), listOf(ID_BYTES))

    private fun ids(fed: ByteArray): List<Int> {
        val ids = ByteBuffer.wrap(fed).order(ByteOrder.nativeOrder()).asIntBuffer()
        return List(ids.remaining()) { ids.get() }
    }

    private fun presenter(
        contract: FakeTextContract = FakeTextContract(),
        work: Work = workNow(),
        opener: ModelOpener = ModelOpener { _, _ -> fake },
    ) = TextPresenter(
        contract,
        { contract.open() },
        OpenModel(opener),
        work,
        nanos = { clock.also { clock += 5_000 } },
        show = { shown += it },
    )

    private companion object {
        const val ID_BYTES = 20
    }
}
