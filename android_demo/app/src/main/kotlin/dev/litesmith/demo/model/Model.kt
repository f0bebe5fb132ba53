package dev.litesmith.demo.model

import java.io.Closeable
import java.nio.ByteBuffer

/** An opened model; one implementation runs TFLite, the tests have a fake. Not for several threads at once. */
interface Model : Closeable {
    /** The version of what runs it. */
    val runtime: String

    /** What computes it, as far as the runtime says. */
    val delegate: String

    /** Bytes of each input, in the order of the file. */
    val inputBytes: List<Int>

    /** Run once; gives new buffers at position 0, in the order of the file. */
    fun run(inputs: List<ByteBuffer>): List<ByteBuffer>
}

/** Opens models; what the app's logic knows of runtimes and files. */
fun interface ModelOpener {
    /**
     * @param source [BUNDLED], or the path of a .tflite file that the app can read.
     * @throws dev.litesmith.contract.BadInput the model or the accelerator cannot be had.
     */
    fun open(source: String, options: ModelOptions): Model

    companion object {
        /** The model of the bundle. */
        const val BUNDLED = "bundled"
    }
}
