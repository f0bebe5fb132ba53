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
    fun line(from: Point, to: Point) =
        holder.update { it.copy(drawing = it.drawing.withLine(from, to), picture = null) }

    /** The finger was lifted. */
    fun finish() = classify()

    /** Start with an empty drawing. */
    fun clear() = startWith(null)

    /** Classify a picture instead of a drawing. */
    fun open(picture: PictureSource) {
        startWith(picture)
        classify()
    }

    /** No picture can be chosen. */
    fun refuse(message: String) = holder.update { it.copy(answer = null, message = message) }

    /** Compute with something else from now on. */
    fun choose(options: ModelOptions) {
        holder.update { it.copy(options = options) }
        classify()
    }

    private fun startWith(picture: PictureSource?) =
        holder.update { DrawUiState(Drawing(preprocess.canvas), picture, it.options) }

    private fun classify() {
        val asked = holder.state
        if (asked.drawing.isEmpty && asked.picture == null) return
        work.start(
            task = { answer(asked) },
            done = { answer -> showFor(asked) { it.copy(answer = answer, message = null) } },
            failed = { message -> showFor(asked) { it.copy(answer = null, message = message) } },
        )
    }

    /** An answer that comes after the drawing was changed belongs to another one. */
    private fun showFor(asked: DrawUiState, change: (DrawUiState) -> DrawUiState) = holder.update {
        val same = it.drawing == asked.drawing && it.picture === asked.picture && it.options == asked.options
        if (same) change(it) else it
    }

    private fun answer(asked: DrawUiState): Answer {
        val opened = model.with(asked.options)
        val shown = asked.picture?.read() ?: Picture(asked.drawing.toImage(), rotate = 0)
        val input = contract.input.encode(preprocess.apply(shown.image, shown.rotate))
        val start = nanos()
        val output = opened.run(listOf(input)).first()
        val micros = (nanos() - start) / NANOS_A_MICRO
        return Answer(Prediction.of(contract.output.decode(output), contract.labels), micros, opened.delegate)
    }

    private companion object {
        const val NANOS_A_MICRO = 1_000L
    }
}
