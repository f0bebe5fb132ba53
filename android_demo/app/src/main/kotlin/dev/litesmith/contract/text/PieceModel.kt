package dev.litesmith.contract.text

/** What cuts a text into pieces of the vocabulary. */
internal fun interface PieceModel {
    /** The ids of what stands between added tokens of the text as it came. */
    fun ids(text: String): List<Int>
}
