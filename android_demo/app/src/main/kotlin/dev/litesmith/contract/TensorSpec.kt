package dev.litesmith.contract

import java.nio.ByteBuffer
import java.nio.ByteOrder

/** An input or output of a model; [affine] is null where it is not quantized. */
data class TensorSpec(val name: String, val shape: List<Int>, val type: ElementType, val affine: Affine?) {
    init {
        expect((type == ElementType.FLOAT32) == (affine == null)) { "$name: $type contradicts its quantization" }
    }

    /** Number of values, the batch included. */
    val count: Int get() = shape.fold(1, Int::times)

    /** Real values as the bytes that the runtime takes. */
    fun encode(values: FloatArray): ByteBuffer {
        expect(values.size == count) { "$name takes $count values, but was given ${values.size}" }
        val buffer = ByteBuffer.allocateDirect(count * type.bytes).order(ByteOrder.nativeOrder())
        if (affine == null) {
            values.forEach { buffer.putFloat(it) }
        } else {
            values.forEach { type.put(buffer, affine.quantize(it, type)) }
        }
        buffer.rewind()
        return buffer
    }

    /** The whole numbers of a quantized tensor. */
    fun steps(buffer: ByteBuffer): IntArray {
        val source = checked(buffer)
        return IntArray(count) { type.get(source) }
    }

    /** Real values of the bytes that the runtime gave. */
    fun decode(buffer: ByteBuffer): FloatArray {
        if (affine != null) return steps(buffer).let { steps -> FloatArray(count) { affine.dequantize(steps[it]) } }
        val source = checked(buffer)
        return FloatArray(count) { source.getFloat() }
    }

    private fun checked(buffer: ByteBuffer): ByteBuffer {
        expect(buffer.capacity() == count * type.bytes) {
            "$name has ${count * type.bytes} bytes, but the model gave ${buffer.capacity()}"
        }
        val copy = buffer.duplicate().order(ByteOrder.nativeOrder())
        copy.rewind()
        return copy
    }
}
