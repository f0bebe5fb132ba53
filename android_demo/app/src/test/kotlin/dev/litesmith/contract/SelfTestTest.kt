package dev.litesmith.contract

import java.nio.ByteBuffer
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test

class SelfTestTest {
    private val text = """
        {"version": 1, "tolerance": {"step": 0.5, "steps": 1, "unit": "LSB", "reason": "a test"},
         "vectors": [{"sample": 7, "predicted": {"index": 1, "name": "b"}, "input": [0, 1, 2, 3],
                      "input_tensor": [-128, -127, -126, -125], "output_raw": [0, 10, 2], "output": [0, 5, 1]}]}
    """.trimIndent()

    @Test
    fun `the expected output passes`() {
        assertEquals(SelfTestResult.Pass(1, 3, 0.0, "LSB"), check(0, 10, 2))
    }

    @Test
    fun `one step is allowed and said`() {
        assertEquals(SelfTestResult.Pass(1, 3, 1.0, "LSB"), check(1, 9, 2))
    }

    @Test
    fun `two steps are the first difference`() {
        val found = check(0, 8, 2) as SelfTestResult.Difference
        assertEquals(7, found.sample)
        assertTrue("off by 2.0 LSB, 1 allowed" in found.what) { found.what }
    }

    @Test
    fun `another class is a difference even within the tolerance`() {
        val close = text.replace("[0, 5, 1]", "[0, 1, 1]").replace("[0, 10, 2]", "[0, 2, 2]")
        val found = check(0, 2, 3, text = close) as SelfTestResult.Difference
        assertEquals("class c, expected b", found.what)
    }

    @Test
    fun `vectors of a model with more classes are a difference`() {
        val found = check(0, 10, 2, text = text.replace("\"index\": 1", "\"index\": 7")) as SelfTestResult.Difference
        assertEquals("class b, expected number 7", found.what)
    }

    @Test
    fun `an input that is quantized otherwise is found before the model runs`() {
        val found = SelfTest(FakeContract) { throw AssertionError("ran") }
            .check(GoldenVectors.parse(text.replace("-126", "-120"))) as SelfTestResult.Difference
        assertEquals("input 2 is -126.0, expected -120.0", found.what)
    }

    @Test
    fun `vectors that are broken or missing are messages`() {
        for (broken in listOf("", "{", "[]", "{}", text.replace("\"steps\"", "\"stops\""))) {
            assertThrows(BadInput::class.java) { GoldenVectors.parse(broken) }
        }
        assertThrows(BadInput::class.java) {
            check(0, 0, 0, text = """{"tolerance": {"step": 1, "steps": 1, "unit": "LSB"}, "vectors": []}""")
        }
    }

    @Test
    fun `a text becomes its ids before the model runs`() {
        assertEquals(SelfTestResult.Pass(1, 3, 0.0, "LSB"), checkText("undo"))
        assertEquals("input 1 is 6.0, expected 4.0", (checkText("do") as SelfTestResult.Difference).what)
    }

    @Test
    fun `an embedding has no class to be wrong about`() {
        val contract = FakeTextContract(labels = emptyList())
        assertEquals(SelfTestResult.Pass(1, 3, 0.0, "LSB"), checkText("undo", contract, predicted = "null"))
    }

    @Test
    fun `a question and its passage become one row`() {
        val contract = FakeTextContract(emptyList(), length = 7, task = Task.QUESTION_ANSWERING)
        val vectors = """
            {"tolerance": {"step": 0.5, "steps": 1, "unit": "LSB"}, "vectors": [{"sample": 7, "predicted": null,
             "text": "do", "pair": "undo", "input_tensor": [2, 6, 3, 4, 5, 3, 0],
             "output": [0, 1, 2, 3, 4, 5, 6, 7, 0, 0, 0, 0, 0, 0.5]}]}
        """.trimIndent()
        val given = byteArrayOf(0, 2, 4, 6, 8, 10, 12, 14, 0, 0, 0, 0, 0, 0)
        val test = SelfTest(contract, contract.open()) { ByteBuffer.wrap(given) }
        assertEquals(SelfTestResult.Pass(1, 14, 1.0, "LSB"), test.check(GoldenVectors.parse(vectors)))
        given[9] = 2
        assertTrue(test.check(GoldenVectors.parse(vectors)) is SelfTestResult.Difference)
        val alone = GoldenVectors.parse(vectors.replace("\"pair\": \"undo\",", ""))
        assertEquals("input 3 is 0.0, expected 4.0", (test.check(alone) as SelfTestResult.Difference).what)
    }

    @Test
    fun `vectors of texts for a model without are a message`() {
        assertThrows(BadInput::class.java) { check(0, 10, 2, text = textVectors("undo", "null")) }
    }

    private fun textVectors(said: String, predicted: String) = """
        {"tolerance": {"step": 0.5, "steps": 1, "unit": "LSB"}, "vectors": [{"sample": 7, "predicted": $predicted,
         "text": "$said", "input_tensor": [2, 4, 5, 3, 0], "output": [0, 5, 1]}]}
    """.trimIndent()

    private fun checkText(
        said: String,
        contract: FakeTextContract = FakeTextContract(),
        predicted: String = """{"index": 1}""",
    ): SelfTestResult = SelfTest(contract, contract.open()) { ByteBuffer.wrap(byteArrayOf(0, 10, 2)) }
        .check(GoldenVectors.parse(textVectors(said, predicted)))

    private fun check(vararg output: Int, text: String = this.text): SelfTestResult =
        SelfTest(FakeContract) { ByteBuffer.wrap(ByteArray(output.size) { output[it].toByte() }) }
            .check(GoldenVectors.parse(text))
}
