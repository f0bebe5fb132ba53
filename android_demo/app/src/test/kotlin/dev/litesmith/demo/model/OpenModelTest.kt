package dev.litesmith.demo.model

import dev.litesmith.contract.BadInput
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertNotSame
import org.junit.jupiter.api.Assertions.assertSame
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test

class OpenModelTest {
    private val opened = mutableListOf<FakeModel>()
    private val model = OpenModel { source, _ ->
        assertEquals(ModelOpener.BUNDLED, source)
        FakeModel(byteArrayOf()).also(opened::add)
    }

    @Test
    fun `the same options reuse it, others close it first`() {
        val first = model.with(ModelOptions(threads = 1))
        assertSame(first, model.with(ModelOptions(threads = 1)))
        val second = model.with(ModelOptions(threads = 2))
        assertNotSame(first, second)
        assertEquals(listOf(true, false), opened.map(FakeModel::closed))
        model.close()
        assertTrue(opened.all(FakeModel::closed))
    }

    @Test
    fun `an option that fails does not leave the old model in its place`() {
        val choosy = OpenModel { _, options ->
            if (options.threads == 2) throw BadInput("no") else FakeModel(byteArrayOf()).also(opened::add)
        }
        choosy.with(ModelOptions(threads = 1))
        assertThrows(BadInput::class.java) { choosy.with(ModelOptions(threads = 2)) }
        choosy.with(ModelOptions(threads = 1))
        assertEquals(listOf(true, false), opened.map(FakeModel::closed))
    }

    @Test
    fun `thread counts are powers of two and all cores`() {
        assertEquals(listOf(1), ModelOptions.threadChoices(1))
        assertEquals(listOf(1, 2, 4, 6), ModelOptions.threadChoices(6))
        assertEquals(listOf(1, 2, 4, 8), ModelOptions.threadChoices(8))
        assertEquals(16, ModelOptions.threadChoices(64).last())
    }

    @Test
    fun `options that cannot be are messages`() {
        assertThrows(BadInput::class.java) { ModelOptions(threads = 0) }
        assertThrows(BadInput::class.java) { Accelerator.of("tpu") }
        assertEquals(Accelerator.NNAPI, Accelerator.of("nnapi"))
    }
}
