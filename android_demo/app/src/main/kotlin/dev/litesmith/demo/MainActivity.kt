package dev.litesmith.demo

import android.app.Activity
import android.app.ActivityManager
import android.content.Intent
import android.os.Build
import android.os.Bundle
import android.os.Handler
import android.os.Looper
import android.util.Log
import dev.litesmith.contract.BadInput
import dev.litesmith.contract.ImagePreprocess
import dev.litesmith.contract.ModelContract
import dev.litesmith.demo.benchmark.Benchmark
import dev.litesmith.demo.benchmark.BenchmarkExtras
import dev.litesmith.demo.benchmark.BenchmarkPresenter
import dev.litesmith.demo.benchmark.BenchmarkScreen
import dev.litesmith.demo.draw.DrawPresenter
import dev.litesmith.demo.draw.DrawScreen
import dev.litesmith.demo.draw.PicturePicker
import dev.litesmith.demo.model.Delegates
import dev.litesmith.demo.model.ModelOptions
import dev.litesmith.demo.model.OpenModel
import dev.litesmith.demo.selftest.SelfTestPresenter
import dev.litesmith.demo.selftest.SelfTestScreen
import dev.litesmith.generated.BundledModel
import java.io.File
import java.io.IOException
import java.util.concurrent.Executors

/** Connects screens, presenters and Android; decides nothing itself. */
class MainActivity : Activity() {
    private val background = Executors.newSingleThreadExecutor()
    private val main = Handler(Looper.getMainLooper())
    private val work = Work(background) { task -> main.post(task) }
    private val contract: ModelContract = BundledModel
    private lateinit var model: OpenModel
    private lateinit var benchmark: BenchmarkPresenter
    private lateinit var tabs: Tabs
    private var pictures: PicturePicker? = null

    override fun onCreate(savedInstanceState: Bundle?) {
        super.onCreate(savedInstanceState)
        setContentView(R.layout.activity_main)
        val opener = AssetModelOpener(assets, contract)
        model = OpenModel(opener)
        tabs = Tabs(
            this,
            mapOf(
                R.id.tab_draw to R.id.screen_draw,
                R.id.tab_benchmark to R.id.screen_benchmark,
                R.id.tab_self_test to R.id.screen_self_test,
            ),
        )
        val row = OptionsRow(this, Delegates.present(Build.VERSION.SDK_INT), Runtime.getRuntime().availableProcessors())
        val draw = drawing()
        row.connect(ModelOptions()) { options -> draw?.choose(options) }
        connectBenchmark(opener, row::options)
        connectSelfTest(row::options)
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

    private fun drawing(): DrawPresenter? {
        val screen = DrawScreen(this)
        val preprocess = contract.preprocess as? ImagePreprocess
        if (preprocess == null) {
            screen.showUnavailable()
            return null
        }
        val presenter = DrawPresenter(contract, preprocess, model, work, System::nanoTime, screen::show)
        val picker = PicturePicker(this, presenter).also { pictures = it }
        screen.connect(presenter, picker::start)
        return presenter
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

    private fun connectSelfTest(options: () -> ModelOptions) {
        val screen = SelfTestScreen(this)
        SelfTestPresenter(contract, ::goldenText, model, work, screen::show).also { screen.connect(it, options) }
    }

    private fun goldenText(): String = try {
        assets.open(contract.golden).bufferedReader().use { it.readText() }
    } catch (error: IOException) {
        throw BadInput("${contract.golden} cannot be read: ${error.message}")
    }

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
