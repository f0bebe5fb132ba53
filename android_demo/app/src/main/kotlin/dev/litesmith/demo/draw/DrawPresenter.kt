package dev.litesmith.demo.draw

import dev.litesmith.contract.ImagePreprocess
import dev.litesmith.contract.ModelContract
import dev.litesmith.contract.Prediction
import dev.litesmith.demo.StateHolder
import dev.litesmith.demo.Work
import dev.litesmith.demo.model.ModelOptions
import dev.litesmith.demo.model.OpenModel

/** The drawing screen without its views. */
class DrawPresenter(
    private val contract: ModelContract,
    private val preprocess: ImagePreprocess,
    private val model: OpenModel,
    private val work: Work,
    private val nanos: () -> Long,
    show: (DrawUiState) -> Unit,
) {
    private val holder = StateHolder(DrawUiState(Drawing(preprocess.canvas)), show)

    /** Draw a line; the answer stays until [finish]. */
    fun line(from: Point, to: Point) = holder.update { it.copy(drawing = it.drawing.withLine(from, to)) }

    /** The finger was lifted. */
    fun finish() = classify()

    /** Start with an empty drawing. */
    fun clear() = holder.update { it.copy(drawing = Drawing(preprocess.canvas), answer = null, message = null) }

    /** Compute with something else from now on. */
    fun choose(options: ModelOptions) {
        holder.update { it.copy(options = options) }
        classify()
    }

    private fun classify() {
        val asked = holder.state
        if (asked.drawing.isEmpty) return
        work.start(
            task = { answer(asked) },
            done = { answer -> showFor(asked) { it.copy(answer = answer, message = null) } },
            failed = { message -> showFor(asked) { it.copy(answer = null, message = message) } },
        )
    }

    /** An answer that comes after the drawing was changed belongs to another one. */
    private fun showFor(asked: DrawUiState, change: (DrawUiState) -> DrawUiState) = holder.update {
        if (it.drawing == asked.drawing && it.options == asked.options) change(it) else it
    }

    private fun answer(asked: DrawUiState): Answer {
        val opened = model.with(asked.options)
        val input = contract.input.encode(preprocess.apply(asked.drawing.toImage()))
        val start = nanos()
        val output = opened.run(listOf(input)).first()
        val micros = (nanos() - start) / NANOS_A_MICRO
        return Answer(Prediction.of(contract.output.decode(output), contract.labels), micros, opened.delegate)
    }

    private companion object {
        const val NANOS_A_MICRO = 1_000L
    }
}
