package dev.litesmith.jvm

import dev.litesmith.cases.text_classes.BundledModel as Classes
import dev.litesmith.cases.text_embedding.BundledModel as Embedding
import dev.litesmith.cases.text_integers.BundledModel as Integers
import dev.litesmith.contract.GoldenVectors
import dev.litesmith.contract.ModelContract
import dev.litesmith.contract.TextPreprocess
import dev.litesmith.contract.text.TextContract

/** The generated classes of small text models, with their assets; tools/make_text_cases.py makes both. */
object TextCases {
    val all: List<ModelContract> = listOf(Classes, Embedding, Integers)

    fun asset(name: String): ByteArray =
        checkNotNull(javaClass.getResourceAsStream("/$name")) { name }.use { it.readBytes() }

    fun golden(contract: ModelContract) = GoldenVectors.parse(String(asset(contract.golden)))

    fun open(contract: ModelContract): TextContract = (contract.preprocess as TextPreprocess).open(::asset)
}
