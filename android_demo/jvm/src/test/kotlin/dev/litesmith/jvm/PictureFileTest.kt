package dev.litesmith.jvm

import android.content.ContentResolver
import android.net.Uri
import dev.litesmith.contract.BadInput
import dev.litesmith.contract.upright
import dev.litesmith.demo.draw.PictureFile
import java.io.File
import org.json.JSONArray
import org.json.JSONObject
import org.junit.Assert.assertEquals
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment
import org.robolectric.annotation.Config
import org.robolectric.annotation.GraphicsMode

/** Image files as Android's own decoder reads them, against what Python made of the same files. */
@RunWith(RobolectricTestRunner::class)
@Config(sdk = [35])
@GraphicsMode(GraphicsMode.Mode.NATIVE)
class PictureFileTest {
    private val resolver: ContentResolver = RuntimeEnvironment.getApplication().contentResolver
    private val folder = File(checkNotNull(javaClass.getResource("/pictures")).toURI())

    @Test
    fun `every file gives Python's pixels, upright`() {
        val files = JSONArray(File(folder, "pictures.json").readText())
        println("pictures: ${files.length()} files")
        assertTrue(files.length() >= LEAST)
        for (place in 0 until files.length()) {
            val file = files.getJSONObject(place)
            val picture = read(file.getString("file"))
            val image = picture.image.upright(picture.rotate)
            assertEquals("${file.getString("file")}, height", file.getInt("height"), image.height)
            assertEquals("${file.getString("file")}, pixels", file.pixels(), image.values().map(Float::toInt))
        }
    }

    @Test
    fun `an image of 10,000 by 10,000 is refused by its size alone`() {
        val error = assertThrows(BadInput::class.java) { read("large.png") }
        assertTrue(error.message, "10000x10000 is too large" in error.message.orEmpty())
    }

    @Test
    fun `an image that memory has no room for is refused before it is decoded`() {
        val error = assertThrows(BadInput::class.java) { read("1.png", freeBytes = 7) }
        assertTrue(error.message, "make it smaller first" in error.message.orEmpty())
    }

    @Test
    fun `what is no image is a message`() {
        for (name in listOf("pictures.json", "empty.png", "missing.png", "cut.png")) {
            val error = assertThrows(name, BadInput::class.java) { read(name) }
            assertTrue(error.message, name in error.message.orEmpty())
        }
    }

    @Test
    fun `a place that may not be read is a message`() {
        val error = assertThrows(BadInput::class.java) { PictureFile(resolver, FOREIGN, { 1L }).read() }
        assertTrue(error.message, FOREIGN.toString() in error.message.orEmpty())
    }

    private fun read(name: String, freeBytes: Long = Long.MAX_VALUE) =
        PictureFile(resolver, Uri.fromFile(File(folder, name)), { freeBytes }).read()

    private fun JSONObject.pixels(): List<Int> = getJSONArray("pixels").let { all -> List(all.length(), all::getInt) }

    private companion object {
        const val LEAST = 12
        val FOREIGN: Uri = Uri.parse("content://nobody/1")
    }
}
