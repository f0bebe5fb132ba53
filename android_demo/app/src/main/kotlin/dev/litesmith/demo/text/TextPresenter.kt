package dev.litesmith.demo.text

import dev.litesmith.contract.Answer
import dev.litesmith.contract.LabelledWord
import dev.litesmith.contract.ModelContract
import dev.litesmith.contract.Prediction
import dev.litesmith.contract.Task
import dev.litesmith.contract.cosine
import dev.litesmith.contract.text.Encoding
import dev.litesmith.contract.text.TextContract
import dev.litesmith.demo.StateHolder
import dev.litesmith.demo.Work
import dev.litesmith.demo.model.ModelOptions
import dev.litesmith.demo.model.OpenModel

/** The text screen without its views; [texts] reads the vocabulary, which takes a while. */
class TextPresenter(
    private val contract: ModelContract,
    private val texts: () -> TextContract,
    private val model: OpenModel,
    private val work: Work,
    private val nanos: () -> Long,
    show: (TextUiState) -> Unit,
) {
    private val holder = StateHolder(TextUiState(), show)

    /** What is done with what the user types. */
    val task: Task = contract.task

    /** Two texts are needed: to be compared, or a question and its passage. */
    val takesTwo: Boolean = task == Task.EMBEDDING || task == Task.QUESTION_ANSWERING

    /** Classify the first text or its words, or use both; nothing is done while one is empty. */
    fun ask(first: String, second: String) {
        val asked = if (takesTwo) listOf(first, second) else listOf(first)
        if (asked.any(String::isEmpty)) return
        holder.update { it.copy(asked = asked, answer = null, message = null) }
        answer()
    }

    /** Compute with something else from now on. */
    fun choose(options: ModelOptions) {
        holder.update { it.copy(options = options) }
        answer()
    }

    private fun answer() {
        val asked = holder.state
        if (asked.asked.isEmpty()) return
        work.start(
            task = { answerTo(asked) },
            done = { answer -> showFor(asked) { it.copy(answer = answer, message = null) } },
            failed = { message -> showFor(asked) { it.copy(answer = null, message = message) } },
        )
    }

    /** An answer that comes after another question belongs to the older one. */
    private fun showFor(asked: TextUiState, change: (TextUiState) -> TextUiState) = holder.update {
        if (it.asked == asked.asked && it.options == asked.options) change(it) else it
    }

    private fun answerTo(asked: TextUiState): TextAnswer {
        val opened = model.with(asked.options)
        val made = texts()
        val rows = rows(made, asked.asked)
        val inputs = rows.map { contract.input.encode(it.ids) }
        val start = nanos()
        val outputs = inputs.map { opened.run(listOf(it)).first() }
        val micros = (nanos() - start) / inputs.size / NANOS_A_MICRO
        return TextAnswer(said(made, rows, outputs.map(contract.output::decode)), micros, opened.delegate)
    }

    /** A question and its passage share a row; other texts have one each. */
    private fun rows(made: TextContract, texts: List<String>): List<Encoding> =
        if (task == Task.QUESTION_ANSWERING) listOf(made.encode(texts[0], texts[1])) else texts.map { made.encode(it) }

    private fun said(made: TextContract, rows: List<Encoding>, real: List<FloatArray>): Said = when (task) {
        Task.CLASSIFICATION -> Said.OfOne(Prediction.of(real.single(), contract.labels))
        Task.EMBEDDING -> Said.OfTwo(cosine(real[0], real[1]))
        Task.TOKEN_CLASSIFICATION ->
            Said.OfWords(LabelledWord.of(real.single(), rows.single(), made, contract.labels))
        Task.QUESTION_ANSWERING -> Said.OfPassage(Answer.of(real.single(), rows.single(), made))
    }

    private companion object {
        const val NANOS_A_MICRO = 1_000L
    }
}
