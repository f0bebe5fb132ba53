"""What native libraries write past Python to the terminal."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quiet_native() -> Iterator[None]:
    """Keep what native code writes to file descriptor 2 off the terminal; show it if the block raises."""
    sys.stderr.flush()
    saved = os.dup(2)
    with tempfile.TemporaryFile() as sink:
        os.dup2(sink.fileno(), 2)
        try:
            yield
        except Exception:
            sink.seek(0)
            os.write(saved, sink.read()[-4000:])
            raise
        finally:
            os.dup2(saved, 2)
            os.close(saved)
