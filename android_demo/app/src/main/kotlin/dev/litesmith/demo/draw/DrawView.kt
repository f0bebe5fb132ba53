package dev.litesmith.demo.draw

import android.content.Context
import android.graphics.Canvas
import android.graphics.Color
import android.graphics.Paint
import android.util.AttributeSet
import android.view.MotionEvent
import android.view.View

/** Shows a drawing, and turns touches into lines. */
class DrawView(context: Context, attributes: AttributeSet?) : View(context, attributes) {
    /** What is shown. */
    var drawing: Drawing? = null
        set(value) {
            field = value
            invalidate()
        }

    /** Called for each piece of a stroke. */
    var onLine: (from: Point, to: Point) -> Unit = { _, _ -> }

    /** Called when a stroke ends. */
    var onFinish: () -> Unit = {}

    private val ink = Paint().apply { color = Color.BLACK }
    private var last: Point? = null

    override fun onMeasure(widthSpec: Int, heightSpec: Int) {
        super.onMeasure(widthSpec, heightSpec)
        val side = minOf(measuredWidth, measuredHeight)
        setMeasuredDimension(side, side)
    }

    override fun onDraw(canvas: Canvas) {
        canvas.drawColor(Color.WHITE)
        val shown = drawing ?: return
        val down = height.toFloat() / shown.size.height
        val across = width.toFloat() / shown.size.width
        for (y in 0 until shown.size.height) {
            for (x in 0 until shown.size.width) {
                if (shown[y, x]) canvas.drawRect(x * across, y * down, (x + 1) * across, (y + 1) * down, ink)
            }
        }
    }

    override fun onTouchEvent(event: MotionEvent): Boolean {
        val point = Point(event.x / width, event.y / height)
        when (event.actionMasked) {
            MotionEvent.ACTION_DOWN -> {
                // Or the scrolling around it would take a stroke downwards for its own.
                parent?.requestDisallowInterceptTouchEvent(true)
                onLine(point, point)
            }
            MotionEvent.ACTION_MOVE -> onLine(last ?: point, point)
            MotionEvent.ACTION_UP -> {
                onLine(last ?: point, point)
                performClick()
            }
            MotionEvent.ACTION_CANCEL -> onFinish()
            else -> return super.onTouchEvent(event)
        }
        last = if (event.actionMasked in ENDS) null else point
        return true
    }

    override fun performClick(): Boolean {
        super.performClick()
        onFinish()
        return true
    }

    private companion object {
        val ENDS = setOf(MotionEvent.ACTION_UP, MotionEvent.ACTION_CANCEL)
    }
}
