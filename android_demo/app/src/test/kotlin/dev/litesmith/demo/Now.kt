package dev.litesmith.demo

import java.util.concurrent.Executor

/** Work that is done at once, on the thread of the test. */
fun workNow(): Work = Executor(Runnable::run).let { Work(it, it) }

/** Work that waits in a queue until the test runs it. */
class LaterExecutor : Executor {
    private val waiting = ArrayDeque<Runnable>()

    override fun execute(command: Runnable) {
        waiting.addLast(command)
    }

    fun runAll() {
        while (waiting.isNotEmpty()) waiting.removeFirst().run()
    }
}
