package dev.litesmith.demo.draw

import android.app.Activity
import android.content.ActivityNotFoundException
import android.content.Intent
import dev.litesmith.demo.R

/** Lets the user choose an image in whatever app has some; needs no permission. */
class PicturePicker(private val activity: Activity, private val presenter: DrawPresenter) {
    fun start() {
        val intent = Intent(Intent.ACTION_GET_CONTENT).setType("image/*").addCategory(Intent.CATEGORY_OPENABLE)
        try {
            activity.startActivityForResult(intent, REQUEST)
        } catch (_: ActivityNotFoundException) {
            presenter.refuse(activity.getString(R.string.no_pictures))
        }
    }

    /** What the other app answered; nothing where the user went back. */
    fun answered(request: Int, answer: Intent?) {
        val place = answer?.data ?: return
        if (request == REQUEST) presenter.open(PictureFile(activity.contentResolver, place, ::freeBytes))
    }

    /** What the heap may still grow by; half of it is left to everything else. */
    private fun freeBytes(): Long = Runtime.getRuntime().run { maxMemory() - (totalMemory() - freeMemory()) } / 2

    private companion object {
        const val REQUEST = 1
    }
}
