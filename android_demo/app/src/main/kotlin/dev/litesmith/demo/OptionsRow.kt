package dev.litesmith.demo

import android.app.Activity
import android.view.View
import android.widget.AdapterView
import android.widget.ArrayAdapter
import android.widget.Spinner
import dev.litesmith.demo.model.Accelerator
import dev.litesmith.demo.model.ModelOptions

/** The two choices above all screens: what computes, and with how many threads. */
class OptionsRow(private val activity: Activity, private val accelerators: List<Accelerator>, cores: Int) {
    private val threadCounts = ModelOptions.threadChoices(cores)
    private val accelerator: Spinner = activity.view(R.id.accelerator)
    private val threads: Spinner = activity.view(R.id.threads)

    /** What is chosen now. */
    val options: ModelOptions
        get() = ModelOptions(
            accelerators[accelerator.selectedItemPosition],
            threadCounts[threads.selectedItemPosition],
        )

    /** Fill both, choose [initial], and call [changed] when the user chooses something else. */
    fun connect(initial: ModelOptions, changed: (ModelOptions) -> Unit) {
        accelerator.fill(accelerators.map(Accelerator::title), accelerators.indexOf(initial.accelerator)) {
            changed(options)
        }
        threads.fill(
            threadCounts.map { activity.getString(R.string.threads, it) },
            threadCounts.indexOf(initial.threads),
        ) { changed(options) }
    }

    private fun Spinner.fill(titles: List<String>, selected: Int, changed: () -> Unit) {
        adapter = ArrayAdapter(activity, android.R.layout.simple_spinner_dropdown_item, titles)
        setSelection(selected.coerceAtLeast(0))
        onItemSelectedListener = object : AdapterView.OnItemSelectedListener {
            override fun onItemSelected(parent: AdapterView<*>?, view: View?, position: Int, id: Long) = changed()

            override fun onNothingSelected(parent: AdapterView<*>?) = Unit
        }
    }
}
