package dev.litesmith.jvm

import dev.litesmith.contract.ModelContract
import dev.litesmith.generated.BundledModel
import org.junit.jupiter.api.Assumptions.assumeTrue

/** TFLite for this computer; on a phone the runtime's own classes load theirs. */
object DesktopLibrary {
    private const val MAJOR = 2
    private const val MINOR = 6

    /** Load it, or skip a test whose model needs a newer one than there is. */
    fun assumeLoaded(contract: ModelContract = BundledModel) {
        val needed = contract.oldestRuntime.split(".").map(String::toInt)
        val fits = needed[0] < MAJOR || (needed[0] == MAJOR && needed[1] <= MINOR)
        assumeTrue(fits, "the model needs TFLite ${contract.oldestRuntime}; the desktop library is $MAJOR.$MINOR")
        System.loadLibrary("tensorflowlite_jni")
    }
}
