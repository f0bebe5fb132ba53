package dev.litesmith.demo

/** The one state of a screen; [show] is told at once and of every change. Used from one thread. */
class StateHolder<S : Any>(initial: S, private val show: (S) -> Unit) {
    var state: S = initial
        private set

    init {
        show(initial)
    }

    fun update(change: (S) -> S) {
        val next = change(state)
        if (next == state) return
        state = next
        show(next)
    }
}
