package dev.litesmith.demo

import android.app.Activity
import android.view.View

/** One screen at a time, and a button for each. */
class Tabs(activity: Activity, places: Map<Int, Int>) {
    private val screens: Map<View, View> = places.entries.associate { (button, screen) ->
        activity.view<View>(button) to activity.view<View>(screen)
    }

    init {
        screens.forEach { (button, screen) -> button.setOnClickListener { select(screen) } }
    }

    fun select(selected: View) = screens.values.forEach { screen ->
        screen.visibility = if (screen === selected) View.VISIBLE else View.GONE
    }
}
