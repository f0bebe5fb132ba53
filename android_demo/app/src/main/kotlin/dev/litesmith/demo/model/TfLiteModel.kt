package dev.litesmith.demo.model

import dev.litesmith.contract.BadInput
import java.io.Closeable
import java.nio.ByteBuffer
import java.nio.ByteOrder
import org.tensorflow.lite.Delegate
import org.tensorflow.lite.Interpreter
import org.tensorflow.lite.TensorFlowLite

/** A model in TFLite's interpreter; [open] makes it. */
class TfLiteModel private constructor(
    private val interpreter: Interpreter,
    private val accelerator: Accelerator,
    private val opened: Delegate?,
) : Model {
    override val runtime: String get() = TensorFlowLite.runtimeVersion()

    // TFLite does not tell Java how much of a model a delegate took, so this says only what was accepted.
    override val delegate: String get() = accelerator.title

    override val inputBytes: List<Int> =
        List(interpreter.inputTensorCount) { interpreter.getInputTensor(it).numBytes() }

    override fun run(inputs: List<ByteBuffer>): List<ByteBuffer> {
        val outputs = List(interpreter.outputTensorCount) {
            ByteBuffer.allocateDirect(interpreter.getOutputTensor(it).numBytes()).order(ByteOrder.nativeOrder())
        }
        val places: Map<Int, Any> = outputs.indices.associateWith { outputs[it] }
        translated("run") { interpreter.runForMultipleInputsOutputs(inputs.toTypedArray(), places) }
        outputs.forEach { it.rewind() }
        return outputs
    }

    override fun close() {
        interpreter.close()
        (opened as? Closeable)?.close()
    }

    companion object {
        /**
         * @param content the file, a direct or mapped buffer.
         * @throws BadInput the runtime does not take the file or the accelerator.
         */
        fun open(content: ByteBuffer, options: ModelOptions): TfLiteModel {
            val delegate = translated("use ${options.accelerator.title}") { Delegates.open(options.accelerator) }
            val settings = Interpreter.Options()
                .setNumThreads(options.threads)
                .setUseXNNPACK(options.accelerator == Accelerator.XNNPACK)
            delegate?.let(settings::addDelegate)
            val interpreter = translated("open the model with ${options.accelerator.title}") {
                Interpreter(content, settings)
            }
            return TfLiteModel(interpreter, options.accelerator, delegate)
        }

        /** TFLite throws these three about models, inputs and delegates, and an Error where a library is missing. */
        private inline fun <T> translated(what: String, action: () -> T): T = try {
            action()
        } catch (error: IllegalArgumentException) {
            throw BadInput("TFLite cannot $what: ${error.message}")
        } catch (error: IllegalStateException) {
            throw BadInput("TFLite cannot $what: ${error.message}")
        } catch (error: ReflectiveOperationException) {
            throw BadInput("TFLite cannot $what: ${error.cause?.message ?: error.message}")
        } catch (error: LinkageError) {
            throw BadInput("TFLite cannot $what: ${error.message}")
        }
    }
}
