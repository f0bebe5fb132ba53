package dev.litesmith.demo.text

import android.app.Activity
import android.view.View
import android.widget.EditText
import android.widget.TextView
import dev.litesmith.demo.R
import dev.litesmith.demo.describe
import dev.litesmith.demo.view

/** The views of the text screen; shows states, and passes on what the user types. */
class TextScreen(private val activity: Activity) {
    private val first: EditText = activity.view(R.id.text_first)
    private val second: EditText = activity.view(R.id.text_second)
    private val start: View = activity.view(R.id.text_start)
    private val text: TextView = activity.view(R.id.text_answer)

    fun connect(presenter: TextPresenter) {
        second.visibility = if (presenter.compares) View.VISIBLE else View.GONE
        start.setOnClickListener { presenter.ask(first.text.toString(), second.text.toString()) }
    }

    fun show(state: TextUiState) {
        text.text = state.message ?: state.answer?.let(::describe).orEmpty()
    }

    private fun describe(answer: TextAnswer): String = when (val said = answer.said) {
        is Said.OfOne -> activity.describe(said.prediction, answer.micros, answer.delegate)
        is Said.OfTwo -> {
            val cosine = activity.getString(R.string.cosine, said.cosine)
            activity.getString(R.string.answer, cosine, answer.micros, answer.delegate)
        }
    }
}
