package dev.litesmith.jvm

import dev.litesmith.contract.Answer
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

    @TestFactory
    fun `answers are those of Python`(): List<DynamicTest> =
        TextCases.all.filter { it.task == Task.QUESTION_ANSWERING }.map { contract ->
            DynamicTest.dynamicTest(contract.name) {
                val (texts, read) = TextCases.open(contract) to TextCases.read(contract)
                val vectors = TextCases.golden(contract).vectors
                assertEquals(vectors.size, read.length())
                val lengths = vectors.indices.map { place ->
                    val given = vectors[place].input as GoldenInput.Text
                    val found = Answer.of(vectors[place].output, texts.encode(given.text, given.pair), texts)
                    assertAnswer(if (read.isNull(place)) null else read.getJSONObject(place), found)
                    found?.let { it.last - it.first }
                }
                assertTrue(null in lengths && lengths.toSet().size >= 3) { "lengths $lengths" }
                println("generated classes: the answers to ${vectors.size} questions of ${contract.name} are equal")
            }
        }

    private fun assertAnswer(expected: JSONObject?, found: Answer?) {
        assertEquals(expected == null, found == null)
        if (expected == null || found == null) return
        assertEquals(expected.getString("text"), found.text)
        assertEquals(expected.getInt("first"), found.first)
        assertEquals(expected.getInt("last"), found.last)
        assertEquals(expected.getDouble("score"), found.score)
        assertEquals(expected.getDouble("probability"), found.probability, 1e-12)
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
