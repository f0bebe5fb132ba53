package dev.litesmith.contract

/** What a model is for, which says how its output is read; tasks.py in Kotlin. */
enum class Task {
    /** A logit for each label: [Prediction]. */
    CLASSIFICATION,

    /** A vector: [cosine]. */
    EMBEDDING,

    /** For each piece of a text a logit for each label: [LabelledWord]. */
    TOKEN_CLASSIFICATION,

    /** For each place of a question and its passage two logits, that the answer starts and that it ends: [Answer]. */
    QUESTION_ANSWERING,
}
