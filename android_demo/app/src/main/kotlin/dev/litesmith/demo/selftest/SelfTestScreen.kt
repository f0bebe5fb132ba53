package dev.litesmith.demo.selftest

import android.app.Activity
import android.view.View
import android.widget.TextView
import dev.litesmith.demo.R
import dev.litesmith.demo.model.ModelOptions
import dev.litesmith.demo.view

/** The views of the self-test screen. */
class SelfTestScreen(private val activity: Activity) {
    private val start: View = activity.view(R.id.self_test_start)
    private val text: TextView = activity.view(R.id.self_test_text)

    fun connect(presenter: SelfTestPresenter, options: () -> ModelOptions) {
        start.setOnClickListener { presenter.start(options()) }
    }

    fun show(state: SelfTestUiState) {
        start.isEnabled = !state.running
        text.text = when {
            state.running -> activity.getString(R.string.running)
            state.passed == true -> activity.getString(R.string.pass, state.text)
            state.passed == false -> activity.getString(R.string.fail, state.text)
            else -> ""
        }
    }
}
