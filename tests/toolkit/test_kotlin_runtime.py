import pytest

from litesmith.errors import ModelError, OutputError
from litesmith.kotlin_runtime import CATALOGUE, LITERT, SCRIPTS, TFLITE, app_runtimes, check_runtime


def app_with(folder, path, text):
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    (folder / path).write_text(text, encoding="utf-8")
    return folder


LIBRARIES = {
    "reference": f'[versions]\ntf = "2.16.1"\n[libraries]\na = {{ module = "{TFLITE}", version.ref = "tf" }}',
    "number": f'[libraries]\na = {{ module = "{TFLITE}", version = "2.16.1" }}',
    "group and name": '[libraries]\na = { group = "org.tensorflow", name = "tensorflow-lite", version = "2.16.1" }',
    "one text": f'[libraries]\na = "{TFLITE}:2.16.1"',
    "strictly": f'[versions]\ntf = {{ strictly = "2.16.1" }}\n'
    f'[libraries]\na = {{ module = "{TFLITE}", version.ref = "tf" }}',
}


@pytest.mark.parametrize("text", LIBRARIES.values(), ids=LIBRARIES)
def test_a_catalogue_says_it_in_several_ways(tmp_path, text):
    (pin,) = app_runtimes(app_with(tmp_path, CATALOGUE, text))
    assert str(pin) == f"{TFLITE}:2.16.1"
    check_runtime("digits", "2.16.1", (pin,))
    with pytest.raises(
        ModelError, match=r"digits needs TFLite 2\.16\.2, but the app has .*:2\.16\.1; raise it in .*libs"
    ):
        check_runtime("digits", "2.16.2", (pin,))


@pytest.mark.parametrize("script", SCRIPTS, ids=str)
@pytest.mark.parametrize("quote", ["'", '"'])
def test_a_build_script_is_read_too(tmp_path, script, quote):
    line = f"implementation({quote}{TFLITE}:2.4.0{quote})"
    text = f"dependencies {{\n    // implementation({quote}{TFLITE}:1.0.0{quote})\n    {line}\n}}\n"
    (pin,) = app_runtimes(app_with(tmp_path, script, text))
    assert str(pin.version) == "2.4.0"
    with pytest.raises(ModelError, match=rf"raise it in .*{script.name}"):
        check_runtime("digits", "2.5.0", (pin,))


def test_every_version_has_to_be_new_enough(tmp_path):
    app_with(tmp_path, CATALOGUE, LIBRARIES["number"])
    app_with(tmp_path, SCRIPTS[0], f'implementation("{TFLITE}:2.3.0")')
    with pytest.raises(ModelError, match=r"2\.3\.0; raise it in .*build\.gradle\.kts"):
        check_runtime("digits", "2.10.0", app_runtimes(tmp_path))


def test_numbers_are_compared_as_numbers(tmp_path):
    pins = app_runtimes(app_with(tmp_path, SCRIPTS[0], f'implementation("{TFLITE}:2.9.0")'))
    with pytest.raises(ModelError):
        check_runtime("digits", "2.10.0", pins)
    check_runtime("digits", "2.4.1", pins)


def test_litert_counts_as_the_release_that_it_took_over_from(tmp_path):
    pins = app_runtimes(app_with(tmp_path, SCRIPTS[0], f'implementation("{LITERT}:1.0.1")'))
    check_runtime("digits", "2.17.0", pins)
    with pytest.raises(ModelError, match=r"1\.0\.1 \(which counts as 2\.17\.0\)"):
        check_runtime("digits", "2.18.0", pins)


def test_a_model_that_needs_litert_compares_its_own_numbers(tmp_path):
    script = app_with(tmp_path, SCRIPTS[0], f'implementation("{LITERT}:2.1.3")')
    check_runtime("digits", "LiteRT 2.1.3", app_runtimes(script))
    with pytest.raises(ModelError, match=r"digits needs LiteRT 2\.2, but the app has .*litert:2\.1\.3"):
        check_runtime("digits", "LiteRT 2.2", app_runtimes(script))
    with pytest.raises(ModelError, match=r"digits needs LiteRT 2\.1\.3, but the app has .*tensorflow-lite:2\.16\.1"):
        check_runtime("digits", "LiteRT 2.1.3", app_runtimes(app_with(tmp_path, CATALOGUE, LIBRARIES["number"])))


@pytest.mark.parametrize("version", ["2.+", "latest.release", "$tflite", "2.16.1-SNAPSHOT", "[2.0,3.0)"])
def test_a_version_that_is_not_one_cannot_be_compared(tmp_path, version):
    pins = app_runtimes(app_with(tmp_path, SCRIPTS[0], f'implementation("{TFLITE}:{version}")'))
    with pytest.raises(OutputError, match="which cannot be compared; write one out"):
        check_runtime("digits", "1.5.0", pins)


def test_a_reference_to_nothing_cannot_be_compared(tmp_path):
    text = f'[libraries]\na = {{ module = "{TFLITE}", version.ref = "missing" }}'
    with pytest.raises(OutputError, match="which cannot be compared"):
        check_runtime("digits", "1.5.0", app_runtimes(app_with(tmp_path, CATALOGUE, text)))


@pytest.mark.parametrize("needed", ["unknown (MY_OP v1)", "> 2.21.0 (ADD v9)"])
def test_a_model_that_needs_nobody_knows_what_is_refused(tmp_path, needed):
    pins = app_runtimes(app_with(tmp_path, CATALOGUE, LIBRARIES["number"]))
    with pytest.raises(ModelError, match="needs TFLite"):
        check_runtime("digits", needed, pins)


@pytest.mark.parametrize(
    "text", ["", "[versions]\n", "libraries = 3", '[libraries]\na = "x:y:1"', "[libraries]\nb = 1"]
)
def test_an_app_that_names_none_has_none(tmp_path, text):
    assert app_runtimes(app_with(tmp_path, CATALOGUE, text)) == ()
    assert app_runtimes(tmp_path / "nowhere") == ()


def test_a_catalogue_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(OutputError, match=r"libs\.versions\.toml: is no version catalogue"):
        app_runtimes(app_with(tmp_path, CATALOGUE, "[versions"))
    (tmp_path / CATALOGUE).write_bytes(b"\xff\xfe")
    with pytest.raises(OutputError, match=r"libs\.versions\.toml: cannot be read"):
        app_runtimes(tmp_path)
