package dev.litesmith.demo

import java.io.File
import org.json.JSONObject
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir

class FileResultSinkTest {
    private val logged = mutableListOf<String>()
    private val full = JSONObject().put("full", true)
    private val brief = JSONObject().put("full", false)

    @Test
    fun `a result is one whole file under its name, and a line`(@TempDir folder: File) {
        val sink = FileResultSink(folder, logged::add)
        sink.write("", full, brief)
        sink.write("a1", full, brief)
        val names = folder.list().orEmpty().sorted()
        assertEquals(listOf("benchmark-a1.json", "benchmark.json"), names)
        for (name in names) assertEquals(full.toString(), File(folder, name).readText())
        assertEquals(List(2) { brief.toString() }, logged)
    }

    @Test
    fun `a folder that cannot be written is a line of the log`(@TempDir folder: File) {
        FileResultSink(File(folder, "none"), logged::add).write("", full, brief)
        assertTrue("cannot be written" in logged.first()) { logged.first() }
        assertEquals(brief.toString(), logged.last())
    }
}
