package dev.litesmith.demo.selftest

/** All that the self-test screen shows; [passed] is null before and while it runs. */
data class SelfTestUiState(val running: Boolean = false, val passed: Boolean? = null, val text: String = "")
