package dev.litesmith.jvm

import dev.litesmith.contract.TextPreprocess
import dev.litesmith.contract.text.AddedToken
import dev.litesmith.contract.text.Normalisation
import dev.litesmith.contract.text.Pairs
import dev.litesmith.contract.text.PieceKind
import dev.litesmith.contract.text.SpecialTokens
import dev.litesmith.contract.text.TextContract
import dev.litesmith.contract.text.TextFile
import java.io.File
import org.json.JSONObject

/** A text contract out of its files, which a generated class states in Kotlin. */
object TextFolder {
    fun open(folder: File): TextContract {
        val settings = settings(folder)
        val special = SpecialTokens(
            settings.getString("pad"),
            settings.getString("unknown"),
            settings.getString("start"),
            settings.getString("end"),
        )
        val pairs = Pairs(settings.getInt("pair_ends"), settings.getInt("second_type"))
        val vocabulary = settings.file("vocabulary.txt")
        return TextPreprocess(settings.getInt("length"), special, kind(settings), added(settings), pairs, vocabulary)
            .open { File(folder, it).readBytes() }
    }

    /** The id of the padding. */
    fun padOf(folder: File): Int =
        File(folder, "vocabulary.txt").readText().split("\n").indexOf(settings(folder).getString("pad"))

    private fun settings(folder: File) = JSONObject(File(folder, "text.json").readText())

    private fun kind(settings: JSONObject): PieceKind = if (settings.getString("kind") == "byte_bpe") {
        PieceKind.ByteBpe(settings.getBoolean("add_prefix_space"), settings.file("merges.txt"))
    } else {
        val steps = Normalisation(
            settings.getBoolean("clean_text"),
            settings.getBoolean("chinese_characters"),
            settings.getBoolean("strip_accents"),
            settings.getBoolean("lowercase"),
        )
        PieceKind.WordPiece(steps, settings.getInt("longest_word"))
    }

    private fun added(settings: JSONObject): List<AddedToken> {
        val tokens = settings.getJSONArray("added")
        return List(tokens.length(), tokens::getJSONObject).map {
            AddedToken(
                it.getString("content"),
                it.getBoolean("normalized"),
                it.getBoolean("lstrip"),
                it.getBoolean("rstrip"),
            )
        }
    }

    private fun JSONObject.file(name: String): TextFile = getJSONObject("files").getJSONObject(name).let {
        TextFile(name, it.getInt("lines"), it.getString("sha256"))
    }
}
