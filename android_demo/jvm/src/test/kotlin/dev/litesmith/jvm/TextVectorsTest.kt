package dev.litesmith.jvm

import java.io.File
import org.json.JSONArray
import org.json.JSONObject
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.DynamicTest
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.TestFactory

/** Kotlin's tokenizers against Python's, id for id. */
class TextVectorsTest {
    private val folders = checkNotNull(File(checkNotNull(javaClass.getResource("/text")).toURI()).listFiles())
        .filter(File::isDirectory)
        .sorted()

    @Test
    fun `every kind is there`() = assertTrue(folders.map(File::getName).containsAll(KINDS)) { "$folders" }

    @TestFactory
    fun `every vector gives the same row`(): List<DynamicTest> = folders.map { folder ->
        DynamicTest.dynamicTest(folder.name) {
            val vectors = File(folder, "vectors.jsonl").readLines().map(::JSONObject)
            assertTrue(vectors.size >= LEAST) { "only ${vectors.size} vectors" }
            val contract = TextFolder.open(folder)
            val pad = TextFolder.padOf(folder)
            vectors.forEach { vector ->
                val pair = if (vector.isNull("pair")) null else vector.getString("pair")
                val row = contract.encode(vector.getString("text"), pair)
                val used = row.mask.count { it == 1.toByte() }
                assertEquals(vector.getJSONArray("ids").ints(), row.ids.take(used)) { "$vector" }
                assertEquals(vector.getJSONArray("token_types").ints(), row.tokenTypes.take(used)) { "$vector" }
                assertTrue(row.mask.take(used).all { it == 1.toByte() }) { "$vector" }
                assertTrue(row.ids.drop(used).all { it == pad }) { "$vector" }
                assertTrue(row.tokenTypes.drop(used).all { it == 0 }) { "$vector" }
                val second = vector.getJSONArray("second").ints()
                assertEquals(second, if (row.second.isEmpty()) emptyList() else listOf(row.second.first, row.second.last + 1))
            }
            println("text: ${vectors.size} vectors of ${folder.name} are equal")
        }
    }

    private companion object {
        const val LEAST = 3_200
        val KINDS = setOf("uncased", "cased", "accents_stay", "not_cleaned", "byte_bpe", "byte_bpe_with_space")
    }
}

private fun JSONArray.ints(): List<Int> = List(length(), ::getInt)
