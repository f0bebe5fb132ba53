package dev.litesmith.jvm

import dev.litesmith.cases.text_classes.BundledModel
import dev.litesmith.contract.GoldenInput
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.DynamicTest
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.TestFactory

/** The generated class of text models: from a text to the ids that Python feeds. */
class TextCasesTest {
    @TestFactory
    fun `each makes the ids of every golden text`(): List<DynamicTest> = TextCases.all.map { contract ->
        DynamicTest.dynamicTest(contract.name) {
            val texts = TextCases.open(contract)
            val vectors = TextCases.golden(contract).vectors
            assertTrue(vectors.size >= LEAST) { "only ${vectors.size} vectors" }
            for (vector in vectors) {
                val given = vector.input as GoldenInput.Text
                val found = contract.input.steps(contract.input.encode(texts.encode(given.text, given.pair).ids))
                assertEquals(vector.tensor.map(Double::toInt), found.toList()) { given.text }
            }
            println("generated classes: ${vectors.size} texts of ${contract.name}")
        }
    }

    @Test
    fun `a class makes ids by itself`() {
        val texts = BundledModel.open(TextCases::asset)
        val row = texts.contract.encode("the café")
        assertEquals(row.ids.toList(), BundledModel.input.steps(texts.encode("the café")).toList())
        assertEquals(listOf("bad", "so-so", "good"), BundledModel.labels)
    }

    private companion object {
        const val LEAST = 32
    }
}
