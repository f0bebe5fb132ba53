package dev.litesmith.demo.draw

import dev.litesmith.contract.Size
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertNotEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test

class DrawingTest {
    private val empty = Drawing(Size(32, 32))

    @Test
    fun `a line gives a new drawing and leaves the old one`() {
        val drawn = empty.withLine(Point(0.5f, 0.1f), Point(0.5f, 0.9f))
        assertTrue(empty.isEmpty)
        assertFalse(drawn.isEmpty)
        assertNotEquals(empty, drawn)
        assertEquals(drawn, empty.withLine(Point(0.5f, 0.1f), Point(0.5f, 0.9f)))
    }

    @Test
    fun `a line is as wide as the pen and as long as it is drawn`() {
        val drawn = empty.withLine(Point(0.5f, 0.25f), Point(0.5f, 0.75f))
        val widths = (0 until 32).map { y -> (0 until 32).count { x -> drawn[y, x] } }
        assertEquals(0, widths[4])
        assertTrue((8..23).all { widths[it] in 3..4 }) { "$widths" }
        assertEquals(0, widths[28])
    }

    @Test
    fun `a slanted line has no gap`() {
        val drawn = empty.withLine(Point(0.1f, 0.1f), Point(0.9f, 0.9f))
        assertTrue((4..28).all { drawn[it, it] })
    }

    @Test
    fun `a tap is a dot, and what lies outside is lost`() {
        assertFalse(empty.withLine(Point(0.5f, 0.5f), Point(0.5f, 0.5f)).isEmpty)
        assertTrue(empty.withLine(Point(-3f, -3f), Point(-2f, -2f)).isEmpty)
        assertFalse(empty.withLine(Point(-1f, 0.5f), Point(2f, 0.5f)).isEmpty)
    }

    @Test
    fun `ink is bright and paper dark`() {
        val image = empty.withLine(Point(0.5f, 0.5f), Point(0.5f, 0.5f)).toImage()
        assertEquals(setOf(0f, 255f), image.values().toSet())
        assertTrue(image.is8Bit)
    }

    @Test
    fun `one pixel can be drawn on`() {
        assertFalse(Drawing(Size(1, 1)).withLine(Point(0.5f, 0.5f), Point(0.5f, 0.5f)).isEmpty)
    }
}
