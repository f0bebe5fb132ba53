"""LiteRT, tflite-runtime and tf.lite behind one `Runtime`."""

from __future__ import annotations

import importlib
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from litesmith.errors import DeviceError

if TYPE_CHECKING:
    from litesmith.targets.session import Session

# Delegate -> member of OpResolverType, which all three interpreters share (LiteRT's
# `ai_edge_litert/interpreter.py`). `none` has the optimized kernels, `reference` the plain ones.
DELEGATES = {"xnnpack": "AUTO", "none": "BUILTIN_WITHOUT_DEFAULT_DELEGATES", "reference": "BUILTIN_REF"}


@dataclass(frozen=True, slots=True)
class _Package:
    """Where an interpreter lives and which distributions bring it."""

    module: str
    distributions: tuple[str, ...]


# In order of preference.
RUNTIMES = {
    "litert": _Package("ai_edge_litert.interpreter", ("ai-edge-litert",)),
    "tflite-runtime": _Package("tflite_runtime.interpreter", ("tflite-runtime",)),
    "tf": _Package("tensorflow.lite.python.interpreter", ("tensorflow", "tensorflow-cpu")),
}


@dataclass(frozen=True, slots=True)
class Runtime:
    """An installed interpreter; `str()` gives its name and version for messages."""

    name: str
    version: str

    def __post_init__(self) -> None:
        if self.name not in RUNTIMES:
            raise ValueError(f"{self.name!r} is not a runtime; known are {', '.join(RUNTIMES)}")

    def __str__(self) -> str:
        return f"{self.name} {self.version}"

    @property
    def needs_own_process(self) -> bool:
        """Whether it must not share a process with TensorFlow: tflite-runtime 2.14 dies beside TF 2.21."""
        return self.name == "tflite-runtime"

    def open(self, content: bytes, *, threads: int = 1, delegate: str = "xnnpack", isolated: bool = False) -> Session:
        """Load a model and allocate its tensors.

        A damaged file can take the process down with it: files of unknown origin belong in
        `litesmith.targets.isolated`.

        Args:
            content: a `.tflite` file.
            threads: how many threads the kernels may use.
            delegate: one of `DELEGATES`.
            isolated: this process serves for nothing else, so every runtime may be loaded.

        Raises:
            ModelError: the runtime refuses the file.
            DeviceError: the runtime cannot be loaded in this process, or has no such delegate.
        """
        if threads < 1 or delegate not in DELEGATES:
            raise DeviceError(
                f"cannot run with {threads} threads and delegate {delegate!r}; "
                f"give at least one thread, and one of {', '.join(DELEGATES)}"
            )
        interpreter = self._interpreter(content, threads, delegate, isolated)
        from litesmith.targets.session import Session

        return Session(interpreter, self, threads, delegate)

    def load(self, *, isolated: bool = False) -> Any:
        """Import the module that holds the interpreter.

        Raises:
            DeviceError: it cannot be imported, or must not be in this process.
        """
        if self.needs_own_process and not isolated:
            raise DeviceError(
                f"{self} only runs in a process of its own; use litesmith.targets.isolated or another runtime"
            )
        try:
            return importlib.import_module(RUNTIMES[self.name].module)
        except ImportError as error:
            raise DeviceError(
                f"{self} is installed but cannot be imported ({error}); reinstall it, then run `litesmith doctor`"
            ) from error

    def _interpreter(self, content: bytes, threads: int, delegate: str, isolated: bool) -> Any:
        module = self.load(isolated=isolated)
        from litesmith.targets.session import native_errors

        with warnings.catch_warnings(), native_errors(self):
            # Whoever gets tf.lite has asked for it or has nothing else.
            warnings.filterwarnings("ignore", r"\s*Warning: tf\.lite\.Interpreter is deprecated")
            return module.Interpreter(
                model_content=content,
                num_threads=threads,
                experimental_op_resolver_type=module.OpResolverType[DELEGATES[delegate]],
            )


def installed() -> tuple[Runtime, ...]:
    """Every runtime that is installed, the preferred one first; nothing is imported."""
    versions = ((name, _version(package.distributions)) for name, package in RUNTIMES.items())
    return tuple(Runtime(name, version) for name, version in versions if version is not None)


def default(*, isolated: bool = False) -> Runtime:
    """The preferred one of the installed runtimes that this process may use.

    Raises:
        DeviceError: there is none.
    """
    usable = [runtime for runtime in installed() if isolated or not runtime.needs_own_process]
    if not usable:
        raise DeviceError("no runtime is installed; run `pip install ai-edge-litert`")
    return usable[0]


def get(name: str) -> Runtime:
    """The runtime of that name: `litert`, `tflite-runtime` or `tf`.

    Raises:
        DeviceError: it does not exist or is not installed.
    """
    if name not in RUNTIMES:
        raise DeviceError(f"there is no runtime {name!r}; choose one of {', '.join(RUNTIMES)}")
    found = {runtime.name: runtime for runtime in installed()}
    if name not in found:
        raise DeviceError(
            f"the runtime {name} is not installed; run `pip install {RUNTIMES[name].distributions[0]}`, "
            f"or use {' or '.join(found) or 'another one'}"
        )
    return found[name]


def _version(distributions: tuple[str, ...]) -> str | None:
    from importlib import metadata

    for distribution in distributions:
        try:
            return metadata.version(distribution)
        except metadata.PackageNotFoundError:
            continue
    return None
