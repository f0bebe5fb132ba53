package dev.litesmith.demo.draw

import dev.litesmith.contract.Prediction
import dev.litesmith.demo.model.ModelOptions

/** All that the drawing screen shows; where there is a [picture], it is classified instead of the empty drawing. */
data class DrawUiState(
    val drawing: Drawing,
    val picture: PictureSource? = null,
    val options: ModelOptions = ModelOptions(),
    val answer: Answer? = null,
    val message: String? = null,
)

/** What the model said of a drawing or a picture. */
data class Answer(val prediction: Prediction, val micros: Long, val delegate: String)
