package dev.litesmith.demo.model

import dev.litesmith.contract.BadInput
import java.io.FileInputStream
import java.io.IOException
import java.nio.ByteBuffer
import java.nio.channels.FileChannel

/** Files as the runtime takes them: mapped into memory, not copied. */
object MappedFile {
    /** All of a file. */
    fun open(path: String): ByteBuffer = reading(path) {
        FileInputStream(path).use { part(it, 0, it.channel.size()) }
    }

    /** [bytes] of a file from [start] on. */
    fun part(stream: FileInputStream, start: Long, bytes: Long): ByteBuffer =
        stream.channel.map(FileChannel.MapMode.READ_ONLY, start, bytes)

    /** Do something with the file [name], and say so where it cannot be read. */
    inline fun <T> reading(name: String, action: () -> T): T = try {
        action()
    } catch (error: IOException) {
        throw BadInput("$name cannot be read: ${error.message}")
    }
}
