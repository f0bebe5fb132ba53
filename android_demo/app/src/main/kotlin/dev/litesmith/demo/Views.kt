package dev.litesmith.demo

import android.app.Activity
import android.view.View

/** A view of the layout, which has it by construction. */
internal fun <T : View> Activity.view(id: Int): T = checkNotNull(findViewById<T>(id)) { "the layout lacks view $id" }
