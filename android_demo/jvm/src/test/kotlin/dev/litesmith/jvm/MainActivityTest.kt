package dev.litesmith.jvm

import android.app.Activity
import android.content.Intent
import android.net.Uri
import android.os.SystemClock
import android.view.MotionEvent
import android.view.View
import android.widget.Spinner
import dev.litesmith.demo.FileResultSink
import dev.litesmith.demo.MainActivity
import dev.litesmith.demo.R
import dev.litesmith.demo.view
import java.io.File
import org.json.JSONObject
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertTrue
import org.junit.Before
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.Robolectric
import org.robolectric.RobolectricTestRunner
import org.robolectric.Shadows.shadowOf
import org.robolectric.android.controller.ActivityController
import org.robolectric.annotation.Config
import org.robolectric.annotation.GraphicsMode
import org.robolectric.shadows.ShadowEnvironment

/** The whole app but for the phone: the activity under Robolectric, and the real model. */
@RunWith(RobolectricTestRunner::class)
@Config(sdk = [35])
@GraphicsMode(GraphicsMode.Mode.NATIVE)
class MainActivityTest {
    @Before
    fun prepare() {
        DesktopLibrary.assumeLoaded()
        ShadowEnvironment.addExternalDir("storage")
    }

    @Test
    fun `a drawn stroke gets a class`() = started { activity ->
        val drawing = activity.view<View>(R.id.drawing)
        drawing.layout(0, 0, SIDE, SIDE)
        drawing.dispatchTouchEvent(touch(MotionEvent.ACTION_DOWN, SIDE / 2f, 0.1f * SIDE))
        drawing.dispatchTouchEvent(touch(MotionEvent.ACTION_MOVE, SIDE / 2f, 0.5f * SIDE))
        drawing.dispatchTouchEvent(touch(MotionEvent.ACTION_UP, SIDE / 2f, 0.9f * SIDE))
        val text = activity.textOf(R.id.draw_text) { "%" in it }
        assertTrue(text, "XNNPACK" in text && "µs" in text)
    }

    @Test
    fun `the drawing comes first and texts never`() = started { activity ->
        assertEquals(View.VISIBLE, activity.view<View>(R.id.screen_draw).visibility)
        assertEquals(View.VISIBLE, activity.view<View>(R.id.tab_draw).visibility)
        assertEquals(View.GONE, activity.view<View>(R.id.screen_text).visibility)
        assertEquals(View.GONE, activity.view<View>(R.id.tab_text).visibility)
    }

    @Test
    fun `the self-test passes`() = started { activity ->
        activity.view<View>(R.id.tab_self_test).performClick()
        assertEquals(View.VISIBLE, activity.view<View>(R.id.screen_self_test).visibility)
        assertEquals(View.GONE, activity.view<View>(R.id.screen_draw).visibility)
        activity.view<View>(R.id.self_test_start).performClick()
        val text = activity.textOf(R.id.self_test_text) { "PASS" in it || "FAIL" in it }
        assertTrue(text, "PASS" in text)
    }

    @Test
    fun `an intent measures and leaves its result in a file`() {
        val intent = Intent().putExtra("model", "bundled").putExtra("runs", 3).putExtra("accelerator", "cpu")
            .putExtra("warmup_seconds", 0.01f).putExtra("result", "a1")
        started(intent) { activity ->
            val text = activity.textOf(R.id.benchmark_text) { "p50" in it }
            assertTrue(text, "runs: 3" in text)
            val result = activity.result("a1")
            assertEquals(3, result.getJSONArray("run_ns").length())
            assertEquals("CPU", result.getString("delegate"))
            assertFalse(result.has("error"))
            val device = result.getJSONObject("device")
            assertEquals(35, device.getInt("sdk"))
            assertTrue("$device", device.getBoolean("in_front") && device.getString("app").isNotEmpty())
        }
    }

    @Test
    fun `an intent that asks for nonsense leaves a message`() {
        started(Intent().putExtra("model", "/nowhere.tflite")) { activity ->
            activity.textOf(R.id.benchmark_text) { "cannot be read" in it }
            val result = activity.result("")
            assertTrue(result.getString("error"), "/nowhere.tflite" in result.getString("error"))
        }
    }

    @Test
    fun `what is chosen is what is measured`() = started { activity ->
        activity.view<Spinner>(R.id.accelerator).setSelection(0)
        activity.view<View>(R.id.benchmark_start).performClick()
        val text = activity.textOf(R.id.benchmark_text) { "p50" in it }
        assertTrue(text, text.startsWith("CPU, threads: 1, runs: 100"))
    }

    @Test
    fun `a picture that is chosen is classified, and one that is too large is a message`() = started { activity ->
        for ((name, wanted) in listOf("turned_6.jpg" to "%", "large.png" to "too large", "1.png" to "%")) {
            activity.view<View>(R.id.open_picture).performClick()
            val asked = shadowOf(activity).nextStartedActivityForResult.intent
            assertEquals(Intent.ACTION_GET_CONTENT, asked.action)
            val file = File(checkNotNull(javaClass.getResource("/pictures/$name")).toURI())
            shadowOf(activity).receiveResult(asked, Activity.RESULT_OK, Intent().setData(Uri.fromFile(file)))
            activity.textOf(R.id.draw_text) { wanted in it }
        }
        activity.view<View>(R.id.open_picture).performClick()
        val asked = shadowOf(activity).nextStartedActivityForResult.intent
        shadowOf(activity).receiveResult(asked, Activity.RESULT_CANCELED, null)
        activity.textOf(R.id.draw_text) { "%" in it }
    }

    private fun started(intent: Intent? = null, check: (MainActivity) -> Unit) {
        val controller: ActivityController<MainActivity> = Robolectric.buildActivity(MainActivity::class.java, intent)
        controller.setup().use { check(it.get()) }
    }

    private fun MainActivity.result(name: String) =
        JSONObject(File(externalMediaDirs.first(), FileResultSink.fileName(name)).readText())

    private fun touch(action: Int, x: Float, y: Float): MotionEvent =
        SystemClock.uptimeMillis().let { now -> MotionEvent.obtain(now, now, action, x, y, 0) }

    private companion object {
        const val SIDE = 320
    }
}
