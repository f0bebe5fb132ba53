package dev.litesmith.contract

/** What an app knows of its model at compile time; `litesmith bundle --android` generates the one implementation. */
interface ModelContract {
    val name: String

    /** Where the file lies in the assets. */
    val asset: String

    /** Where its golden vectors lie in the assets. */
    val golden: String
    val sha256: String
    val oldestRuntime: String
    val task: Task
    val input: TensorSpec
    val output: TensorSpec
    val labels: List<String>
    val preprocess: Preprocess
}
