package dev.litesmith.contract

/** A model of three classes on 2x2 gray drawings, for tests of what uses a contract. */
object FakeContract : ModelContract {
    override val name = "fake"
    override val asset = "fake/model.tflite"
    override val golden = "fake/vectors.json"
    override val sha256 = ""
    override val oldestRuntime = "1.0.0"
    override val task = Task.CLASSIFICATION
    override val input = TensorSpec("in", listOf(1, 2, 2, 1), ElementType.INT8, Affine(1f, -128))
    override val output = TensorSpec("out", listOf(1, 3), ElementType.INT8, Affine(0.5f, 0))
    override val labels = listOf("a", "b", "c")
    override val preprocess = ImagePreprocess(
        size = Size(2, 2),
        channels = 1,
        crop = 1.0,
        fit = Fit.STRETCH,
        resize = Resize.AREA,
        fill = 0,
        block = 4,
        scaling = Scaling(floatArrayOf(1f), floatArrayOf(0f)),
        layout = Layout.NHWC,
    )
}
