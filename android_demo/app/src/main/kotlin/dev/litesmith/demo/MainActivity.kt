package dev.litesmith.demo

import android.app.Activity
import android.app.ActivityManager
import android.content.Intent
import android.os.Build
import android.os.Bundle
import android.os.Handler
import android.os.Looper
import android.util.Log
import android.view.View
import dev.litesmith.contract.ImagePreprocess
import dev.litesmith.contract.ModelContract
import dev.litesmith.contract.TextPreprocess
import dev.litesmith.contract.text.TextContract
import dev.litesmith.demo.benchmark.Benchmark
import dev.litesmith.demo.benchmark.BenchmarkExtras
import dev.litesmith.demo.benchmark.BenchmarkPresenter
import dev.litesmith.demo.benchmark.BenchmarkScreen
import dev.litesmith.demo.draw.DrawPresenter
import dev.litesmith.demo.draw.DrawScreen
import dev.litesmith.demo.draw.PicturePicker
import dev.litesmith.demo.model.Delegates
import dev.litesmith.demo.model.MappedFile
import dev.litesmith.demo.model.ModelOptions
import dev.litesmith.demo.model.OpenModel
import dev.litesmith.demo.selftest.SelfTestPresenter
import dev.litesmith.demo.selftest.SelfTestScreen
import dev.litesmith.demo.text.TextPresenter
import dev.litesmith.demo.text.TextScreen
import dev.litesmith.generated.BundledModel
import java.io.File
import java.util.concurrent.Executors

/** Connects screens, presenters and Android; decides nothing itself. */
open class MainActivity : Activity() {
    private val background = Executors.newSingleThreadExecutor()
    private val main = Handler(Looper.getMainLooper())
    private val work = Work(background) { task -> main.post(task) }

    /** What the app holds; tests have other ones. */
    protected open val contract: ModelContract get() = BundledModel
    private lateinit var model: OpenModel
    private lateinit var benchmark: BenchmarkPresenter
    private lateinit var tabs: Tabs
    private var pictures: PicturePicker? = null

    override fun onCreate(savedInstanceState: Bundle?) {
        super.onCreate(savedInstanceState)
        setContentView(R.layout.activity_main)
        val opener = AssetModelOpener(assets, contract)
        model = OpenModel(opener)
        val row = OptionsRow(this, Delegates.present(Build.VERSION.SDK_INT), Runtime.getRuntime().availableProcessors())
        val texts = (contract.preprocess as? TextPreprocess)?.let { lazy { it.open(::asset) } }
        connectTabs(if (texts == null) R.id.tab_draw to R.id.screen_draw else R.id.tab_text to R.id.screen_text)
        val choose = if (texts == null) connectDrawing() else connectText(texts::value)
        row.connect(ModelOptions(), choose)
        connectBenchmark(opener, row::options)
        connectSelfTest(row::options, texts?.let { it::value })
        if (savedInstanceState == null) startFrom(intent)
    }

    override fun onNewIntent(intent: Intent) {
        super.onNewIntent(intent)
        startFrom(intent)
    }

    override fun onActivityResult(requestCode: Int, resultCode: Int, data: Intent?) {
        super.onActivityResult(requestCode, resultCode, data)
        pictures?.answered(requestCode, data)
    }

    override fun onDestroy() {
        // After whatever runs: closing an interpreter under a run would crash.
        background.execute(model::close)
        background.shutdown()
        super.onDestroy()
    }

    /** The screen that the model's kind of input has comes first. */
    private fun connectTabs(first: Pair<Int, Int>) {
        tabs = Tabs(
            this,
            mapOf(first, R.id.tab_benchmark to R.id.screen_benchmark, R.id.tab_self_test to R.id.screen_self_test),
        )
        val (tab, screen) = first
        view<View>(tab).visibility = View.VISIBLE
        tabs.select(view(screen))
    }

    private fun connectDrawing(): (ModelOptions) -> Unit {
        val screen = DrawScreen(this)
        val preprocess = contract.preprocess as? ImagePreprocess
        if (preprocess == null) {
            screen.showUnavailable()
            return {}
        }
        val presenter = DrawPresenter(contract, preprocess, model, work, System::nanoTime, screen::show)
        val picker = PicturePicker(this, presenter).also { pictures = it }
        screen.connect(presenter, picker::start)
        return presenter::choose
    }

    private fun connectText(texts: () -> TextContract): (ModelOptions) -> Unit {
        val screen = TextScreen(this)
        val presenter = TextPresenter(contract, texts, model, work, System::nanoTime, screen::show)
        screen.connect(presenter)
        return presenter::choose
    }

    private fun connectBenchmark(opener: AssetModelOpener, options: () -> ModelOptions) {
        val screen = BenchmarkScreen(this)
        val timer = Benchmark(opener, System::nanoTime)
        val sink = FileResultSink(resultFolder()) { Log.i(LOG_TAG, it) }
        benchmark = BenchmarkPresenter(timer, work, sink, ::device, screen::show)
        screen.connect(benchmark, options)
    }

    /** The folder that both an app and adb can use without permissions; the phone may have taken its storage away. */
    @Suppress("DEPRECATION") // For what users shall see; this is for a computer.
    private fun resultFolder(): File = externalMediaDirs.firstOrNull { it != null } ?: filesDir

    /** Where a result is from; Android gives an app that is not in front fewer and slower cores. */
    private fun device(): Map<String, Any> {
        val process = ActivityManager.RunningAppProcessInfo().also(ActivityManager::getMyMemoryState)
        return mapOf(
            "model" to Build.MODEL,
            "sdk" to Build.VERSION.SDK_INT,
            "app" to packageManager.getPackageInfo(packageName, 0).versionName.orEmpty(),
            "in_front" to (process.importance == ActivityManager.RunningAppProcessInfo.IMPORTANCE_FOREGROUND),
        )
    }

    private fun connectSelfTest(options: () -> ModelOptions, texts: (() -> TextContract)?) {
        val screen = SelfTestScreen(this)
        val golden = { String(asset(contract.golden), Charsets.UTF_8) }
        SelfTestPresenter(contract, golden, texts, model, work, screen::show).also { screen.connect(it, options) }
    }

    private fun asset(name: String): ByteArray = MappedFile.reading(name) { assets.open(name).use { it.readBytes() } }

    /** `am start ... --es model bundled` measures at once; without that extra the app only opens. */
    @Suppress("DEPRECATION") // The typed getters came with API 33.
    private fun startFrom(intent: Intent) {
        val extras = intent.extras ?: return
        if (!extras.containsKey(BenchmarkExtras.MODEL)) return
        tabs.select(view(R.id.screen_benchmark))
        benchmark.start(extras.keySet().associateWith { extras.get(it) })
    }

    private companion object {
        const val LOG_TAG = "litesmith"
    }
}
