package dev.litesmith.demo

import android.app.Activity
import android.view.View
import dev.litesmith.contract.Prediction

private const val PERCENT = 100f
private const val MOST_LINES = 10

/** A view of the layout, which has it by construction. */
internal fun <T : View> Activity.view(id: Int): T = checkNotNull(findViewById<T>(id)) { "the layout lacks view $id" }

/** A class with the most probable ones, what it took, and what was asked to compute it. */
internal fun Activity.describe(prediction: Prediction, micros: Long, delegate: String): String {
    val lines = prediction.labelled.take(MOST_LINES).map { (label, probability) ->
        getString(R.string.class_probability, label, probability * PERCENT)
    }
    return (listOf(getString(R.string.answer, prediction.label, micros, delegate)) + lines).joinToString("\n")
}
