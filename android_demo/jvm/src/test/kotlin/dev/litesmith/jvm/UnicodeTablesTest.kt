package dev.litesmith.jvm

import dev.litesmith.contract.text.PointSet
import dev.litesmith.contract.text.UnicodeTables
import java.util.BitSet
import org.json.JSONArray
import org.json.JSONObject
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Test

/** Kotlin's Unicode tables against Python's, on every code point. */
class UnicodeTablesTest {
    private val expected = JSONObject(checkNotNull(javaClass.getResource("/text/unicode.json")).readText())
    private val classes: Map<String, PointSet> = mapOf(
        "removed" to UnicodeTables.removed,
        "spaces" to UnicodeTables.spaces,
        "punctuation" to UnicodeTables.punctuation,
        "chinese" to UnicodeTables.chinese,
        "marks" to UnicodeTables.marks,
        "letters" to UnicodeTables.letters,
        "numbers" to UnicodeTables.numbers,
    )
    private val mappings: Map<String, Map<Int, Any>> = mapOf(
        "orders" to UnicodeTables.orders,
        "stripped" to UnicodeTables.stripped,
        "lowered" to UnicodeTables.lowered,
    )

    @Test
    fun `every table is there`() = assertEquals(expected.keySet(), classes.keys + mappings.keys)

    @Test
    fun `each class holds the same code points`() = classes.forEach { (name, found) ->
        val points = BitSet()
        expected.getJSONArray(name).pairs().forEach { (first, last) -> points.set(first as Int, last as Int + 1) }
        assertNull((0..LAST_POINT).firstOrNull { points[it] != it in found }) { name }
    }

    @Test
    fun `each mapping maps the same code points to the same`() = mappings.forEach { (name, found) ->
        assertEquals(expected.getJSONArray(name).pairs().toMap(), found) { name }
    }

    private fun JSONArray.pairs(): List<Pair<Any, Any>> =
        List(length(), ::getJSONArray).map { it.get(0) to it.get(1) }

    private companion object {
        const val LAST_POINT = 0x10FFFF
    }
}
