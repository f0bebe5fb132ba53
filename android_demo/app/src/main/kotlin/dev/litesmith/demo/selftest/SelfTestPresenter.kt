package dev.litesmith.demo.selftest

import dev.litesmith.contract.GoldenVectors
import dev.litesmith.contract.ModelContract
import dev.litesmith.contract.SelfTest
import dev.litesmith.contract.SelfTestResult
import dev.litesmith.contract.text.TextContract
import dev.litesmith.demo.StateHolder
import dev.litesmith.demo.Work
import dev.litesmith.demo.model.ModelOptions
import dev.litesmith.demo.model.OpenModel
import java.util.Locale

/** The self-test screen without its views; [texts] makes ids, for a model that takes texts. */
class SelfTestPresenter(
    private val contract: ModelContract,
    private val golden: () -> String,
    private val texts: (() -> TextContract)?,
    private val model: OpenModel,
    private val work: Work,
    show: (SelfTestUiState) -> Unit,
) {
    private val holder = StateHolder(SelfTestUiState(), show)

    /** Run the bundle's golden vectors with these options. */
    fun start(options: ModelOptions) {
        if (holder.state.running) return
        holder.update { SelfTestUiState(running = true) }
        work.start(
            task = { check(options) },
            done = { result -> holder.update { stateOf(result) } },
            failed = { message -> holder.update { SelfTestUiState(passed = false, text = message) } },
        )
    }

    private fun check(options: ModelOptions): SelfTestResult {
        val opened = model.with(options)
        val test = SelfTest(contract, texts?.invoke()) { input -> opened.run(listOf(input)).first() }
        return test.check(GoldenVectors.parse(golden()))
    }

    private fun stateOf(result: SelfTestResult): SelfTestUiState = when (result) {
        is SelfTestResult.Pass -> SelfTestUiState(
            passed = true,
            text = "%d vectors, %d values, at most %.3g %s off"
                .format(Locale.ROOT, result.vectors, result.values, result.maxSteps, result.unit),
        )
        is SelfTestResult.Difference -> SelfTestUiState(
            passed = false,
            text = "sample ${result.sample}: ${result.what}",
        )
    }
}
