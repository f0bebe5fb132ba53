"""Files that travel inside a `.tflite`: a zip behind the flatbuffer, as TFLite's MetadataPopulator appends it.

They are stored, not compressed, and places in the zip count from the start of the whole file, because the readers of
Android map the file and take the bytes from there: TFLite Support and MediaPipe refuse a model with a compressed entry
("Expected uncompressed zip archive.", metadata_extractor.cc and zip_utils.cc).
"""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from io import BytesIO

from litesmith.errors import ModelError

# The earliest time that a zip can say: the same files give the same bytes.
_NO_TIME = (1980, 1, 1, 0, 0, 0)
_UNIX, _READABLE = 3, 0o644 << 16
_MOST_BYTES = 1 << 26
_DAMAGE = (zipfile.BadZipFile, ValueError, EOFError, NotImplementedError, RuntimeError, OSError)


def append_files(content: bytes, files: Mapping[str, bytes]) -> bytes:
    """A model with files behind it, in the order of the mapping; same arguments, same bytes."""
    buffer = BytesIO(content)
    with zipfile.ZipFile(buffer, "a", zipfile.ZIP_STORED) as archive:
        for name, data in files.items():
            entry = zipfile.ZipInfo(name, _NO_TIME)
            entry.create_system, entry.external_attr = _UNIX, _READABLE
            archive.writestr(entry, data)
    return buffer.getvalue()


def appended_files(content: bytes) -> dict[str, bytes]:
    """The files behind a model by name; none if there is no zip.

    Raises:
        ModelError: the zip is damaged, packs more than 64 MiB, or names a file twice.
    """
    if not zipfile.is_zipfile(BytesIO(content)):
        return {}
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            entries = archive.infolist()
            if sum(entry.file_size for entry in entries) > _MOST_BYTES:
                raise ValueError(f"more than {_MOST_BYTES:,} bytes")
            if len({entry.filename for entry in entries}) < len(entries):
                raise ValueError("a name occurs twice")
            return {entry.filename: archive.read(entry) for entry in entries}
    except _DAMAGE as error:
        raise ModelError(f"the files appended to it cannot be read ({error}); write its metadata again") from error
