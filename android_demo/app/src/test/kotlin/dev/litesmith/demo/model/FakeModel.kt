package dev.litesmith.demo.model

import java.nio.ByteBuffer

/** Answers with what it is given; remembers what it was fed and whether it was closed. */
class FakeModel(private val output: ByteArray, override val inputBytes: List<Int> = listOf(4)) : Model {
    override val runtime = "0.0"
    override val delegate = "fake"
    val fed = mutableListOf<List<ByteArray>>()
    var closed = false
        private set

    override fun run(inputs: List<ByteBuffer>): List<ByteBuffer> {
        check(!closed) { "ran after it was closed" }
        fed += inputs.map { input -> ByteArray(input.remaining()).also { input.duplicate().get(it) } }
        return listOf(ByteBuffer.wrap(output))
    }

    override fun close() {
        closed = true
    }
}
