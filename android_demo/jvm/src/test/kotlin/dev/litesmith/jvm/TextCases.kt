package dev.litesmith.jvm

import dev.litesmith.cases.text_answer_pieces.BundledModel as AnswerPieces
import dev.litesmith.cases.text_answers.BundledModel as Answers
import dev.litesmith.cases.text_classes.BundledModel as Classes
import dev.litesmith.cases.text_embedding.BundledModel as Embedding
import dev.litesmith.cases.text_integers.BundledModel as Integers
import dev.litesmith.cases.text_token_bytes.BundledModel as TokenBytes
import dev.litesmith.cases.text_tokens.BundledModel as Tokens
import dev.litesmith.contract.GoldenVectors
import dev.litesmith.contract.ModelContract
import dev.litesmith.contract.TextPreprocess
import dev.litesmith.contract.text.TextContract
import org.json.JSONArray

/** The generated classes of small text models, with their assets; tools/make_text_cases.py makes both. */
object TextCases {
    val all: List<ModelContract> = listOf(Classes, Embedding, Integers, Tokens, TokenBytes, Answers, AnswerPieces)

    fun asset(name: String): ByteArray =
        checkNotNull(javaClass.getResourceAsStream("/$name")) { name }.use { it.readBytes() }

    fun golden(contract: ModelContract) = GoldenVectors.parse(String(asset(contract.golden)))

    /** How Python reads the output of each golden vector. */
    fun read(contract: ModelContract) =
        JSONArray(String(asset(contract.golden.substringBefore("/golden/") + "/read.json")))

    fun open(contract: ModelContract): TextContract = (contract.preprocess as TextPreprocess).open(::asset)
}
