package dev.litesmith.demo.text

import dev.litesmith.contract.Answer
import dev.litesmith.contract.LabelledWord
import dev.litesmith.contract.Prediction
import dev.litesmith.demo.model.ModelOptions

/** All that the text screen shows beside what the user types; [asked] is empty before the first question. */
data class TextUiState(
    val asked: List<String> = emptyList(),
    val options: ModelOptions = ModelOptions(),
    val answer: TextAnswer? = null,
    val message: String? = null,
)

/** What the model said; [micros] is what one text took. */
data class TextAnswer(val said: Said, val micros: Long, val delegate: String)

/** What a model says, by its task. */
sealed interface Said {
    data class OfOne(val prediction: Prediction) : Said

    /** @property words none where the text has none. */
    data class OfWords(val words: List<LabelledWord>) : Said

    /** @property answer null where the passage has no words. */
    data class OfPassage(val answer: Answer?) : Said

    /** @property cosine between the embeddings of two texts. */
    data class OfTwo(val cosine: Double) : Said
}
