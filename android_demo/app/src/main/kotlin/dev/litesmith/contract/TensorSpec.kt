package dev.litesmith.contract

import java.nio.ByteBuffer
import java.nio.ByteOrder

/** An input or output of a model; [affine] is null where it is not quantized, as ids never are. */
data class TensorSpec(val name: String, val shape: List<Int>, val type: ElementType, val affine: Affine?) {
    init {
        val plain = type == ElementType.FLOAT32 || type == ElementType.INT32
        expect(plain == (affine == null)) { "$name: $type contradicts its quantization" }
    }

    /** Number of values, the batch included. */
    val count: Int get() = shape.fold(1, Int::times)

    /** Real values as the bytes that the runtime takes. */
    fun encode(values: FloatArray): ByteBuffer {
        expect(type != ElementType.INT32) { "$name takes whole numbers; give an IntArray" }
        val buffer = room(values.size)
        if (affine == null) {
            values.forEach { buffer.putFloat(it) }
        } else {
            values.forEach { type.put(buffer, affine.quantize(it, type)) }
        }
        buffer.rewind()
        return buffer
    }

    /** Ids as the bytes that the runtime takes. */
    fun encode(ids: IntArray): ByteBuffer {
        expect(type == ElementType.INT32) { "$name takes no ids, but $type" }
        val buffer = room(ids.size)
        ids.forEach { type.put(buffer, it) }
        buffer.rewind()
        return buffer
    }

    /** The whole numbers of a quantized tensor, or ids. */
    fun steps(buffer: ByteBuffer): IntArray {
        val source = checked(buffer)
        return IntArray(count) { type.get(source) }
    }

    /** Real values of the bytes that the runtime gave. */
    fun decode(buffer: ByteBuffer): FloatArray {
        if (affine != null) return steps(buffer).let { steps -> FloatArray(count) { affine.dequantize(steps[it]) } }
        expect(type == ElementType.FLOAT32) { "$name holds whole numbers, no real ones" }
        val source = checked(buffer)
        return FloatArray(count) { source.getFloat() }
    }

    private fun room(values: Int): ByteBuffer {
        expect(values == count) { "$name takes $count values, but was given $values" }
        return ByteBuffer.allocateDirect(count * type.bytes).order(ByteOrder.nativeOrder())
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
