package dev.litesmith.demo.selftest

import dev.litesmith.contract.BadInput
import dev.litesmith.contract.FakeContract
import dev.litesmith.contract.FakeTextContract
import dev.litesmith.demo.model.FakeModel
import dev.litesmith.demo.model.ModelOpener
import dev.litesmith.demo.model.ModelOptions
import dev.litesmith.demo.model.OpenModel
import dev.litesmith.demo.workNow
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test

class SelfTestPresenterTest {
    private val vectors = """
        {"tolerance": {"step": 0.5, "steps": 1, "unit": "LSB"},
         "vectors": [{"sample": 7, "predicted": {"index": 1}, "input": [0, 1, 2, 3],
                      "input_tensor": [-128, -127, -126, -125], "output": [0, 5, 1]}]}
    """.trimIndent()
    private val shown = mutableListOf<SelfTestUiState>()

    @Test
    fun `a model that computes the vectors passes`() {
        presenter { _, _ -> FakeModel(byteArrayOf(0, 10, 3)) }.start(ModelOptions())
        assertEquals(listOf(false, true, false), shown.map(SelfTestUiState::running))
        assertEquals(SelfTestUiState(passed = true, text = "1 vectors, 3 values, at most 1.00 LSB off"), shown.last())
    }

    @Test
    fun `a model that computes something else shows the first difference`() {
        presenter { _, _ -> FakeModel(byteArrayOf(0, 10, 9)) }.start(ModelOptions())
        val text = "sample 7: an output is off by 7.0 LSB, 1 allowed"
        assertEquals(SelfTestUiState(passed = false, text = text), shown.last())
    }

    @Test
    fun `a model that cannot be opened is a message`() {
        presenter { _, _ -> throw BadInput("no GPU") }.start(ModelOptions())
        assertEquals(SelfTestUiState(passed = false, text = "no GPU"), shown.last())
    }

    @Test
    fun `a vocabulary that is not the class's is a message`() {
        val contract = FakeTextContract()
        val opener = ModelOpener { _, _ -> FakeModel(byteArrayOf(0, 10, 3)) }
        val texts = { contract.open("") }
        SelfTestPresenter(contract, { vectors }, texts, OpenModel(opener), workNow(), show = { shown += it })
            .start(ModelOptions())
        assertEquals(false, shown.last().passed)
        assertTrue("not the file" in shown.last().text) { shown.last().text }
    }

    private fun presenter(opener: ModelOpener) =
        SelfTestPresenter(FakeContract, { vectors }, null, OpenModel(opener), workNow(), show = { shown += it })
}
