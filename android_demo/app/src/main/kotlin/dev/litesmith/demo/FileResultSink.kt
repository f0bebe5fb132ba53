package dev.litesmith.demo

import dev.litesmith.demo.benchmark.ResultSink
import java.io.File
import java.io.IOException
import org.json.JSONObject

/** Writes a benchmark's result into a folder, whole or not at all, and a line into the [log]. */
class FileResultSink(private val folder: File, private val log: (String) -> Unit) : ResultSink {
    override fun write(name: String, full: JSONObject, brief: JSONObject) {
        val file = File(folder, fileName(name))
        try {
            val unfinished = File(folder, "${file.name}.tmp")
            unfinished.writeText(full.toString())
            if (!unfinished.renameTo(file)) throw IOException("it cannot be renamed")
        } catch (error: IOException) {
            log("$file cannot be written: ${error.message}")
        }
        log(brief.toString())
    }

    companion object {
        /** Whoever waits for a result of its own gives it a name that nobody else has. */
        fun fileName(name: String): String = if (name.isEmpty()) "benchmark.json" else "benchmark-$name.json"
    }
}
