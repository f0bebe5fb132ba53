package dev.litesmith.demo

import android.util.Log
import dev.litesmith.demo.benchmark.ResultSink
import java.io.File
import java.io.IOException
import org.json.JSONObject

/** Writes a benchmark's result into the app's files, whole or not at all, and a line into the log. */
class FileResultSink(private val folder: File) : ResultSink {
    override fun write(full: JSONObject, brief: JSONObject) {
        try {
            val unfinished = File(folder, "$NAME.tmp")
            unfinished.writeText(full.toString())
            if (!unfinished.renameTo(File(folder, NAME))) throw IOException("it cannot be renamed")
        } catch (error: IOException) {
            Log.e(TAG, "$NAME cannot be written: ${error.message}")
        }
        Log.i(TAG, brief.toString())
    }

    companion object {
        const val NAME = "benchmark.json"
        const val TAG = "litesmith"
    }
}
