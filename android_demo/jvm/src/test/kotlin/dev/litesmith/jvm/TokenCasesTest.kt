package dev.litesmith.jvm

import dev.litesmith.contract.GoldenInput
import dev.litesmith.contract.LabelledWord
import dev.litesmith.contract.Task
import org.json.JSONArray
import org.json.JSONObject
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.DynamicTest
import org.junit.jupiter.api.TestFactory

/** Kotlin reads the answers for tokens as Python does, from the outputs of the golden vectors. */
class TokenCasesTest {
    @TestFactory
    fun `words get the labels of Python`(): List<DynamicTest> =
        TextCases.all.filter { it.task == Task.TOKEN_CLASSIFICATION }.map { contract ->
            DynamicTest.dynamicTest(contract.name) {
                val (texts, read) = TextCases.open(contract) to TextCases.read(contract)
                val labels = mutableSetOf<String>()
                val vectors = TextCases.golden(contract).vectors
                assertEquals(vectors.size, read.length())
                vectors.zip(read.objects()).forEach { (vector, expected) ->
                    val row = texts.encode((vector.input as GoldenInput.Text).text)
                    val found = LabelledWord.of(vector.output, row, texts, contract.labels)
                    assertWords(expected, found)
                    labels += found.map(LabelledWord::label)
                }
                assertTrue(labels.size > 1) { "all words are $labels" }
                println("generated classes: the words of ${vectors.size} texts of ${contract.name} are equal")
            }
        }

    private fun assertWords(expected: JSONArray, found: List<LabelledWord>) {
        assertEquals(expected.length(), found.size) { "$expected, $found" }
        expected.words().zip(found).forEach { (word, its) ->
            assertEquals(word.getString("text"), its.text)
            val pieces = word.getJSONArray("pieces").words()
            assertEquals(pieces.map { it.getInt("place") }, its.pieces.map { it.place })
            pieces.zip(its.pieces).forEach { (piece, other) ->
                assertEquals(piece.getString("piece"), other.piece)
                assertEquals(piece.getString("label"), other.label)
                assertEquals(piece.getDouble("probability"), other.probability.toDouble(), 1e-6)
            }
        }
    }
}

private fun JSONArray.objects(): List<JSONArray> = List(length(), ::getJSONArray)

private fun JSONArray.words(): List<JSONObject> = List(length(), ::getJSONObject)
