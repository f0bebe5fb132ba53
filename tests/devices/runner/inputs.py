"""Inputs: random, or from files of plain bytes."""

import os
from pathlib import Path

import numpy as np
from console import Failed, log


def set_inputs(interpreter, flags):
    """Fill every input. The tool needs names and shapes of all inputs before it takes files for some."""
    details = interpreter.get_input_details()
    names = [name for name in flags["input_layer"].split(",") if name]
    files = _files(flags["input_layer_value_files"])
    if names and (len(names) != len(details) or len(flags["input_layer_shape"].split(":")) != len(names)):
        raise Failed(f"The number of items in --input_layer ({len(names)}) and --input_layer_shape must be the same")
    for name in files.keys() - set(names):
        raise Failed(f"Cannot find the corresponding input_layer name({name}) in --input_layer as {','.join(names)}")
    random = np.random.default_rng(0)
    for number, detail in enumerate(details):
        path = files.get(names[number]) if names else None
        interpreter.set_tensor(detail["index"], _read(path, detail) if path else _random(random, detail))


def _files(text):
    """`name:path,name:path`, where `::` in a name is a colon."""
    files = {}
    for entry in filter(None, text.split(",")):
        name, _, path = entry.replace("::", "\0").partition(":")
        files[name.replace("\0", ":")] = path
    return files


def _random(random, detail):
    if np.issubdtype(detail["dtype"], np.floating):
        return random.uniform(-0.5, 0.5, detail["shape"]).astype(detail["dtype"])
    return random.integers(0, 100, detail["shape"]).astype(detail["dtype"])


def _read(path, detail):
    content = Path(path).read_bytes() if Path(path).exists() else b""
    if len(content) != int(np.prod(detail["shape"])) * np.dtype(detail["dtype"]).itemsize:
        log(f"Failed to read the input_layer_value_file:{path}", "FATAL")
        os.abort()
    return np.frombuffer(content, detail["dtype"]).reshape(detail["shape"])
