package dev.litesmith.jvm

import dev.litesmith.demo.FileResultSink
import dev.litesmith.demo.Work
import dev.litesmith.demo.benchmark.Benchmark
import dev.litesmith.demo.benchmark.BenchmarkPresenter
import dev.litesmith.demo.model.MappedFile
import dev.litesmith.demo.model.ModelOpener
import dev.litesmith.demo.model.TfLiteModel
import java.io.File

/**
 * The app's process on a phone that is emulated: what the activity does with an intent, without the activity.
 *
 * Its words are the folder of the results, whether it is in front, and the extras as `am start` takes them. It says
 * of itself that it is emulated, and goes on, as an app does, until it is ended.
 */
object AppProcess {
    @JvmStatic
    fun main(words: Array<String>) {
        System.loadLibrary("tensorflowlite_jni")
        val (folder, inFront) = words
        val device = mapOf("app" to "emulated", "in_front" to inFront.toBoolean(), "emulated" to true)
        val opener = ModelOpener { source, options -> TfLiteModel.open(MappedFile.open(source), options) }
        BenchmarkPresenter(
            Benchmark(opener, System::nanoTime),
            Work(Runnable::run, Runnable::run),
            FileResultSink(File(folder), ::println),
            { device },
            show = {},
        ).start(extras(words.drop(2)))
        Thread.currentThread().join()
    }

    private fun extras(words: List<String>): Map<String, Any> = words.chunked(3).associate { (kind, key, value) ->
        key to when (kind) {
            "--es" -> value
            "--ei" -> value.toInt()
            "--ef" -> value.toFloat()
            else -> error("$kind is no kind of extra")
        }
    }
}
