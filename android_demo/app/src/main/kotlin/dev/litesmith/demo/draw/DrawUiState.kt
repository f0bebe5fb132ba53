package dev.litesmith.demo.draw

import dev.litesmith.contract.Prediction
import dev.litesmith.demo.model.ModelOptions

/** All that the drawing screen shows. */
data class DrawUiState(
    val drawing: Drawing,
    val options: ModelOptions = ModelOptions(),
    val answer: Answer? = null,
    val message: String? = null,
)

/** What the model said of a drawing. */
data class Answer(val prediction: Prediction, val micros: Long, val delegate: String)
