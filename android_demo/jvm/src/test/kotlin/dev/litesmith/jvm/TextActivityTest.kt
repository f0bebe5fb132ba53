package dev.litesmith.jvm

import android.content.ComponentName
import android.view.View
import android.widget.TextView
import dev.litesmith.cases.text_answers.BundledModel as Answers
import dev.litesmith.cases.text_classes.BundledModel as Classes
import dev.litesmith.cases.text_embedding.BundledModel as Embedding
import dev.litesmith.cases.text_tokens.BundledModel as Tokens
import dev.litesmith.contract.ModelContract
import dev.litesmith.demo.MainActivity
import dev.litesmith.demo.R
import dev.litesmith.demo.view
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Before
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.Robolectric
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment
import org.robolectric.Shadows.shadowOf
import org.robolectric.annotation.Config
import org.robolectric.shadows.ShadowEnvironment

/** The app with a text model in it, and the real model. */
@RunWith(RobolectricTestRunner::class)
@Config(sdk = [35])
class TextActivityTest {
    class ClassesActivity : MainActivity() {
        override val contract: ModelContract get() = Classes
    }

    class EmbeddingActivity : MainActivity() {
        override val contract: ModelContract get() = Embedding
    }

    class TokensActivity : MainActivity() {
        override val contract: ModelContract get() = Tokens
    }

    class AnswersActivity : MainActivity() {
        override val contract: ModelContract get() = Answers
    }

    @Before
    fun prepare() {
        DesktopLibrary.assumeLoaded(Classes)
        ShadowEnvironment.addExternalDir("storage")
    }

    @Test
    fun `a text gets a class`() = started(ClassesActivity::class.java) { activity ->
        assertEquals(View.GONE, activity.visibility(R.id.text_second))
        val text = activity.answerTo("a charming journey", "")
        assertTrue(text, "%" in text && Classes.labels.all { it in text })
        assertTrue(text, "XNNPACK" in text && "µs" in text)
    }

    @Test
    fun `two texts get the cosine of their embeddings`() = started(EmbeddingActivity::class.java) { activity ->
        assertEquals(View.VISIBLE, activity.visibility(R.id.text_second))
        val text = activity.answerTo("the same", "the same")
        assertTrue(text, text.startsWith("Cosine: 1.000"))
        assertTrue(activity.answerTo("the same", "something else 123").startsWith("Cosine: 0."))
    }

    @Test
    fun `each word gets a label`() = started(TokensActivity::class.java) { activity ->
        assertEquals(View.GONE, activity.visibility(R.id.text_second))
        val text = activity.answerTo("a charming journey", "")
        assertTrue(text, Regex("""\[(B-PER|I-PER|LOC) \d+ %]""") in text && "µs" in text)
        assertTrue(activity.answerTo("  ", "").startsWith("There are no words in it."))
    }

    @Test
    fun `a question is answered from its passage`() = started(AnswersActivity::class.java) { activity ->
        assertEquals(View.VISIBLE, activity.visibility(R.id.text_second))
        assertEquals("A question", activity.view<TextView>(R.id.text_first).hint.toString())
        val passage = "It was a charming journey."
        val text = activity.answerTo("What was it?", passage)
        assertTrue(text, text.lines().first() in passage && "% of all spans" in text && "µs" in text)
        assertTrue(activity.answerTo("What was it?", "  ").startsWith("There are no words in it."))
    }

    @Test
    fun `the text screen comes first and the drawing never`() = started(ClassesActivity::class.java) { activity ->
        assertEquals(View.VISIBLE, activity.visibility(R.id.screen_text))
        assertEquals(View.VISIBLE, activity.visibility(R.id.tab_text))
        assertEquals(View.GONE, activity.visibility(R.id.screen_draw))
        assertEquals(View.GONE, activity.visibility(R.id.tab_draw))
    }

    @Test
    fun `half of a character is a message`() = started(ClassesActivity::class.java) { activity ->
        assertTrue("half of a character" in activity.answerTo("\uD83D", ""))
    }

    @Test
    fun `the self-test makes ids of the golden texts and passes`() =
        listOf(ClassesActivity::class.java, EmbeddingActivity::class.java, TokensActivity::class.java, AnswersActivity::class.java).forEach { kind ->
            started(kind) { activity ->
                activity.view<View>(R.id.tab_self_test).performClick()
                activity.view<View>(R.id.self_test_start).performClick()
                val text = activity.textOf(R.id.self_test_text) { "PASS" in it || "FAIL" in it }
                assertTrue(text, text.startsWith("PASS\n32 vectors"))
            }
        }

    private fun MainActivity.visibility(id: Int): Int = view<View>(id).visibility

    private fun MainActivity.answerTo(first: String, second: String): String {
        view<TextView>(R.id.text_first).text = first
        view<TextView>(R.id.text_second).text = second
        view<View>(R.id.text_start).performClick()
        return textOf(R.id.text_answer, String::isNotEmpty)
    }

    private fun <A : MainActivity> started(kind: Class<A>, check: (A) -> Unit) {
        // The manifest has the app's own activity alone.
        val name = ComponentName(RuntimeEnvironment.getApplication(), kind)
        shadowOf(RuntimeEnvironment.getApplication().packageManager).addActivityIfNotPresent(name)
        Robolectric.buildActivity(kind).setup().use { check(it.get()) }
    }
}
