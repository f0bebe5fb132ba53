package dev.litesmith.demo.model

import dev.litesmith.contract.BadInput
import org.tensorflow.lite.Delegate
import org.tensorflow.lite.nnapi.NnApiDelegate

/** Accelerators that are more than an option of the interpreter. */
object Delegates {
    private const val GPU_CLASS = "org.tensorflow.lite.gpu.GpuDelegate"
    private const val NNAPI_SINCE_SDK = 27

    /** What this build and this Android version can try; whether the hardware can is known when a model is opened. */
    fun present(sdk: Int): List<Accelerator> = Accelerator.values().filter {
        when (it) {
            Accelerator.CPU, Accelerator.XNNPACK -> true
            Accelerator.NNAPI -> sdk >= NNAPI_SINCE_SDK
            Accelerator.GPU -> gpuClass() != null
        }
    }

    /** The delegate, to be closed after the interpreter; null where it is an option of the interpreter. */
    internal fun open(accelerator: Accelerator): Delegate? = when (accelerator) {
        Accelerator.CPU, Accelerator.XNNPACK -> null
        Accelerator.NNAPI -> NnApiDelegate()
        Accelerator.GPU -> openGpu()
    }

    private fun openGpu(): Delegate {
        val gpu = gpuClass() ?: throw BadInput("this build of the app has no GPU delegate; build it with Gradle")
        return gpu.getDeclaredConstructor().newInstance() as Delegate
    }

    // By name: Maven Central lacks a class that the delegate needs, so only Gradle's build has it.
    private fun gpuClass(): Class<*>? = try {
        Class.forName(GPU_CLASS)
    } catch (_: ClassNotFoundException) {
        null
    }
}
