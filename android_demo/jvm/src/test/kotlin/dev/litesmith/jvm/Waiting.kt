package dev.litesmith.jvm

import android.app.Activity
import android.os.Looper
import android.widget.TextView
import dev.litesmith.demo.view
import org.robolectric.Shadows.shadowOf

private const val PATIENCE_NANOS = 60_000_000_000L

/** The text of a view once it is what is waited for. */
internal fun Activity.textOf(id: Int, wanted: (String) -> Boolean): String {
    val end = System.nanoTime() + PATIENCE_NANOS
    while (true) {
        shadowOf(Looper.getMainLooper()).idle()
        val text = view<TextView>(id).text.toString()
        if (wanted(text)) return text
        check(System.nanoTime() < end) { "still: $text" }
        Thread.sleep(10)
    }
}
