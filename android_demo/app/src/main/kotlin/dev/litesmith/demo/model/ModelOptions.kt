package dev.litesmith.demo.model

import dev.litesmith.contract.BadInput

/** What a user may ask to compute with. */
enum class Accelerator(val title: String) {
    CPU("CPU"),
    XNNPACK("XNNPACK"),
    NNAPI("NNAPI"),
    GPU("GPU"),
    ;

    companion object {
        /** By title, in any case. */
        fun of(word: String): Accelerator = values().firstOrNull { it.title.equals(word, ignoreCase = true) }
            ?: throw BadInput("accelerator '$word' is not one of ${values().joinToString { it.title }}")
    }
}

/** How a model is opened. */
data class ModelOptions(val accelerator: Accelerator = Accelerator.XNNPACK, val threads: Int = 1) {
    init {
        if (threads !in 1..MOST_THREADS) throw BadInput("threads must be 1 to $MOST_THREADS, not $threads")
    }

    companion object {
        const val MOST_THREADS = 16

        /** The numbers of threads to offer on a device with [cores]: powers of two, and all of them. */
        fun threadChoices(cores: Int): List<Int> {
            val most = cores.coerceIn(1, MOST_THREADS)
            return (generateSequence(1) { it * 2 }.takeWhile { it < most } + most).toList()
        }
    }
}
