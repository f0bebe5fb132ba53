package dev.litesmith.demo.text

import android.app.Activity
import android.view.View
import android.widget.EditText
import android.widget.TextView
import dev.litesmith.contract.Answer
import dev.litesmith.contract.LabelledWord
import dev.litesmith.contract.Task
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
        second.visibility = if (presenter.takesTwo) View.VISIBLE else View.GONE
        if (presenter.task == Task.QUESTION_ANSWERING) {
            first.setHint(R.string.question_hint)
            second.setHint(R.string.passage_hint)
        }
        start.setOnClickListener { presenter.ask(first.text.toString(), second.text.toString()) }
    }

    fun show(state: TextUiState) {
        text.text = state.message ?: state.answer?.let(::describe).orEmpty()
    }

    private fun describe(answer: TextAnswer): String = when (val said = answer.said) {
        is Said.OfOne -> activity.describe(said.prediction, answer.micros, answer.delegate)
        is Said.OfTwo -> timed(activity.getString(R.string.cosine, said.cosine), answer)
        is Said.OfWords -> timed(describe(said.words), answer)
        is Said.OfPassage -> timed(describe(said.answer), answer)
    }

    private fun timed(text: String, answer: TextAnswer): String =
        activity.getString(R.string.answer, text, answer.micros, answer.delegate)

    private fun describe(words: List<LabelledWord>): String {
        if (words.isEmpty()) return activity.getString(R.string.no_words)
        return words.joinToString(" ") {
            if (it.label == NOTHING) it.text else activity.getString(R.string.word, it.text, it.label, it.probability * PERCENT)
        }
    }

    private fun describe(answer: Answer?): String = if (answer == null) {
        activity.getString(R.string.no_words)
    } else {
        activity.getString(R.string.passage_answer, answer.text, answer.score, answer.probability * PERCENT)
    }

    private companion object {
        /** What such models call a word that is none of their classes. */
        const val NOTHING = "O"
        const val PERCENT = 100f
    }
}
