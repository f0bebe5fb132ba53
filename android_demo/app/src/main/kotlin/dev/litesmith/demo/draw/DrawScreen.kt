package dev.litesmith.demo.draw

import android.app.Activity
import android.view.View
import android.widget.TextView
import dev.litesmith.demo.R
import dev.litesmith.demo.describe
import dev.litesmith.demo.view

/** The views of the drawing screen; shows states, and passes on what the user does. */
class DrawScreen(private val activity: Activity) {
    private val drawing: DrawView = activity.view(R.id.drawing)
    private val clear: View = activity.view(R.id.clear)
    private val open: View = activity.view(R.id.open_picture)
    private val text: TextView = activity.view(R.id.draw_text)

    /** [pick] lets the user choose a picture. */
    fun connect(presenter: DrawPresenter, pick: () -> Unit) {
        drawing.onLine = presenter::line
        drawing.onFinish = presenter::finish
        clear.setOnClickListener { presenter.clear() }
        open.setOnClickListener { pick() }
    }

    /** For a model that takes no images. */
    fun showUnavailable() {
        drawing.visibility = View.GONE
        clear.visibility = View.GONE
        open.visibility = View.GONE
        text.setText(R.string.no_drawing)
    }

    fun show(state: DrawUiState) {
        drawing.drawing = state.drawing
        text.text = state.message ?: state.answer?.let(::describe).orEmpty()
    }

    private fun describe(answer: Answer) = activity.describe(answer.prediction, answer.micros, answer.delegate)
}
