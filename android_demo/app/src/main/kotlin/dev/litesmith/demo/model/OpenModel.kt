package dev.litesmith.demo.model

import java.io.Closeable

/** Keeps one model open, as it was last asked for; opening anew would cost what a benchmark must not count. */
class OpenModel(private val opener: ModelOpener) : Closeable {
    private var model: Model? = null
    private var options: ModelOptions? = null

    /** The bundle's model with these options. */
    fun with(wanted: ModelOptions): Model {
        model?.let { if (options == wanted) return it }
        close()
        val opened = opener.open(ModelOpener.BUNDLED, wanted)
        model = opened
        options = wanted
        return opened
    }

    override fun close() {
        model?.close()
        model = null
    }
}
