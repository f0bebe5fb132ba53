package dev.litesmith.jvm

import dev.litesmith.contract.ModelContract
import dev.litesmith.contract.SelfTest
import dev.litesmith.contract.SelfTestResult
import dev.litesmith.demo.model.Accelerator
import dev.litesmith.demo.model.ModelOptions
import dev.litesmith.demo.model.TfLiteModel
import java.nio.ByteBuffer
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertInstanceOf
import org.junit.jupiter.api.DynamicTest
import org.junit.jupiter.api.TestFactory

/**
 * The app's own way to TFLite with small text models, on this computer. Full-integer ones need a newer TFLite than
 * there is for desktops (RSQRT on integers is of 2.15), so theirs is skipped here; Python runs it in LiteRT.
 */
class RealTextModelTest {
    @TestFactory
    fun `the golden vectors pass`(): List<DynamicTest> = TextCases.all.flatMap { contract ->
        listOf(Accelerator.CPU, Accelerator.XNNPACK).map { accelerator ->
            DynamicTest.dynamicTest("${contract.name}, $accelerator") { check(contract, accelerator) }
        }
    }

    private fun check(contract: ModelContract, accelerator: Accelerator) {
        DesktopLibrary.assumeLoaded(contract)
        val content = TextCases.asset(contract.asset)
        val direct = ByteBuffer.allocateDirect(content.size).apply { put(content).rewind() }
        TfLiteModel.open(direct, ModelOptions(accelerator)).use { model ->
            val golden = TextCases.golden(contract)
            val test = SelfTest(contract, TextCases.open(contract)) { input -> model.run(listOf(input)).single() }
            val result = test.check(golden)
            println("real model, ${contract.name}, $accelerator: $result; ${golden.tolerance} allowed")
            val pass = assertInstanceOf(SelfTestResult.Pass::class.java, result)
            assertEquals(golden.vectors.size, pass.vectors)
        }
    }
}
