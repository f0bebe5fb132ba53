package dev.litesmith.contract

import java.nio.ByteBuffer

/** What one value of a tensor is; for [FLOAT32] the limits have no meaning, and [INT32] is never quantized. */
enum class ElementType(val bytes: Int, val lowest: Int, val highest: Int) {
    INT8(Byte.SIZE_BYTES, Byte.MIN_VALUE.toInt(), Byte.MAX_VALUE.toInt()),
    UINT8(Byte.SIZE_BYTES, 0, BYTE_MASK),
    INT16(Short.SIZE_BYTES, Short.MIN_VALUE.toInt(), Short.MAX_VALUE.toInt()),
    INT32(Int.SIZE_BYTES, Int.MIN_VALUE, Int.MAX_VALUE),
    FLOAT32(Float.SIZE_BYTES, 0, 0),
    ;

    /** Append a whole number; Java's bytes are signed, so UINT8 keeps only the bits. */
    internal fun put(buffer: ByteBuffer, value: Int) {
        when (this) {
            INT32 -> buffer.putInt(value)
            INT16 -> buffer.putShort(value.toShort())
            else -> buffer.put(value.toByte())
        }
    }

    /** The next whole number; UINT8 read as a signed byte would be the mistake that turns 200 into -56. */
    internal fun get(buffer: ByteBuffer): Int = when (this) {
        INT8 -> buffer.get().toInt()
        UINT8 -> buffer.get().toInt() and BYTE_MASK
        INT16 -> buffer.getShort().toInt()
        INT32 -> buffer.getInt()
        FLOAT32 -> throw BadInput("FLOAT32 values are no whole numbers")
    }
}

private const val BYTE_MASK = 0xff
