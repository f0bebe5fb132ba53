package dev.litesmith.jvm

import dev.litesmith.contract.BadInput
import dev.litesmith.contract.ModelContract
import dev.litesmith.demo.AssetModelOpener
import dev.litesmith.demo.model.ModelOpener
import dev.litesmith.demo.model.ModelOptions
import dev.litesmith.generated.BundledModel
import org.junit.Assert.assertEquals
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment
import org.robolectric.annotation.Config

/** The bundle's model out of the assets, and what is there instead of it. */
@RunWith(RobolectricTestRunner::class)
@Config(sdk = [35])
class AssetModelOpenerTest {
    @Test
    fun `the model that the class was generated for is opened`() {
        DesktopLibrary.assumeLoaded()
        open(BundledModel).use { assertEquals(BundledModel.input.run { count * type.bytes }, it.inputBytes.single()) }
    }

    @Test
    fun `another model than the class's is a message`() {
        val other = object : ModelContract by BundledModel {
            override val sha256 = "0".repeat(64)
        }
        val error = assertThrows(BadInput::class.java) { open(other) }
        assertTrue(error.message, "is not the model that the app was generated for" in error.message.orEmpty())
    }

    @Test
    fun `a model that is missing is a message`() {
        val missing = object : ModelContract by BundledModel {
            override val asset = "litesmith/other.tflite"
        }
        val error = assertThrows(BadInput::class.java) { open(missing) }
        assertTrue(error.message, "other.tflite cannot be read" in error.message.orEmpty())
    }

    private fun open(contract: ModelContract) =
        AssetModelOpener(RuntimeEnvironment.getApplication().assets, contract).open(ModelOpener.BUNDLED, ModelOptions())
}
