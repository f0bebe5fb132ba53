package dev.litesmith.demo

import dev.litesmith.contract.BadInput
import java.util.concurrent.Executor

/** Runs work in the background, one piece after another, and tells the screen's thread how it ended. */
class Work(private val background: Executor, private val foreground: Executor) {
    /**
     * [failed] gets the message of a [BadInput], or one that memory is short; anything else is a mistake in the app and
     * is thrown.
     */
    fun <T> start(task: () -> T, done: (T) -> Unit, failed: (String) -> Unit) {
        background.execute {
            try {
                val result = task()
                foreground.execute { done(result) }
            } catch (error: BadInput) {
                foreground.execute { failed(error.message.orEmpty()) }
            } catch (_: OutOfMemoryError) {
                // What the task had allocated is garbage by now, so the app can go on.
                foreground.execute { failed(NO_MEMORY) }
            }
        }
    }

    companion object {
        const val NO_MEMORY = "this phone's memory is too small for it; use a smaller image or model"
    }
}
