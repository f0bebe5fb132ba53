package dev.litesmith.demo

import android.content.res.AssetManager
import dev.litesmith.contract.BadInput
import dev.litesmith.contract.ModelContract
import dev.litesmith.demo.model.MappedFile
import dev.litesmith.demo.model.Model
import dev.litesmith.demo.model.ModelOpener
import dev.litesmith.demo.model.ModelOptions
import dev.litesmith.demo.model.TfLiteModel
import java.io.FileInputStream
import java.nio.ByteBuffer
import java.security.MessageDigest

/** Opens the bundle's model from the assets, or any file that the app can read. */
class AssetModelOpener(private val assets: AssetManager, private val contract: ModelContract) : ModelOpener {
    override fun open(source: String, options: ModelOptions): Model =
        TfLiteModel.open(if (source == ModelOpener.BUNDLED) bundled() else MappedFile.open(source), options)

    private fun bundled(): ByteBuffer {
        val content = MappedFile.reading(contract.asset) {
            // A model that was compressed in the APK has no descriptor, which is an IOException too.
            assets.openFd(contract.asset).use { found ->
                // Not createInputStream: from Android 14 on, the channel of that one counts from the asset's start.
                FileInputStream(found.fileDescriptor).use { MappedFile.part(it, found.startOffset, found.declaredLength) }
            }
        }
        if (sha256(content) != contract.sha256) {
            throw BadInput("${contract.asset} is not the model that the app was generated for; bundle it again")
        }
        return content
    }

    private fun sha256(content: ByteBuffer): String =
        MessageDigest.getInstance("SHA-256").apply { update(content.duplicate()) }.digest()
            .joinToString("") { "%02x".format(it) }
}
