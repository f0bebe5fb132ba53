"""The model in LiteRT's interpreter."""

import os
import signal
import time

from ai_edge_litert.interpreter import Interpreter, OpResolverType
from console import FAULT, Failed, log


def load(flags):
    """The interpreter, with its tensors allocated; LiteRT's own messages where it cannot."""
    graph = flags["graph"]
    if not graph:
        raise Failed("Please specify the name of your TF Lite input file with --graph")
    if not os.access(graph, os.R_OK):
        raise Failed(f"Could not open '{graph}'.", f"Failed to mmap model {graph}")
    log(f"Loaded model {graph}")
    if FAULT == "crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    while FAULT == "hang":
        time.sleep(60)
    kind = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES if flags["use_xnnpack"] is False else OpResolverType.AUTO
    threads = flags["num_threads"] if flags["num_threads"] > 0 else None
    try:
        interpreter = Interpreter(graph, num_threads=threads, experimental_op_resolver_type=kind)
    except ValueError as error:
        raise Failed(*str(error).splitlines(), "Failed to initialize the interpreter") from error
    try:
        interpreter.allocate_tensors()
    except RuntimeError as error:
        raise Failed(*str(error).splitlines(), "Failed to allocate tensors!") from error
    return interpreter
