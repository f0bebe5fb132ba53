"""A small Hugging Face hub on this machine: the real client asks it over real HTTP, and it writes down what for.

It answers as the hub does to `HEAD` and `GET` of `/ORG/NAME/resolve/REVISION/FILE`, and to the calls for a repository's
commit and for its files.
"""

import hashlib
import json
import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

MAIN, OLDER = "a" * 40, "b" * 40


@dataclass
class Repository:
    """Files by commit, and commits by branch; where it is gated, nobody has been let in."""

    commits: Mapping[str, Mapping[str, bytes]]
    branches: Mapping[str, str] = field(default_factory=lambda: {"main": MAIN})
    gated: bool = False

    @classmethod
    def of(cls, folder: Path, **settings: object) -> "Repository":
        """One whose main branch holds the files of a folder."""
        return cls({MAIN: files_of(folder)}, **settings)


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


class Hub:
    """The server; `log` holds every request as (method, path, range) in the order of their arrival.

    `breaks` says after how many bytes the connection of a file is cut, once for each number in its list.
    """

    def __init__(self) -> None:
        self.repositories: dict[str, Repository] = {}
        self.log: list[tuple[str, str, str | None]] = []
        self.breaks: dict[str, list[int]] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._server.hub = self
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def fetched(self) -> list[str]:
        """Files whose contents were asked for, in the order of their names."""
        return sorted(path.split("/", 5)[5] for method, path, _ in self.log if method == "GET" and "/resolve/" in path)

    def environment(self, home: Path, **more: str) -> dict[str, str]:
        """Of a process that takes this for the hub, with a cache of its own."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "HUGGING"))}
        kept |= {"HF_ENDPOINT": self.address, "HF_HOME": str(home), "HF_HUB_DISABLE_XET": "1"}
        return {**kept, "HF_HUB_DISABLE_TELEMETRY": "1", "NO_PROXY": "127.0.0.1", **more}

    def close(self) -> None:
        """Stop answering; whoever asks then is refused a connection."""
        if not self._thread.is_alive():
            return
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@contextmanager
def running_hub() -> Iterator[Hub]:
    hub = Hub()
    try:
        yield hub
    finally:
        hub.close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *words: object) -> None:
        """Nothing to stderr; `Hub.log` has it."""

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def _answer(self) -> None:
        path = urlsplit(self.path).path
        self.server.hub.log.append((self.command, path, self.headers.get("Range")))
        parts = [unquote(part) for part in path.strip("/").split("/")]
        api = parts[:2] == ["api", "models"]
        name, call, rest = "/".join(parts[2:4] if api else parts[:2]), parts[4 if api else 2 :], None
        repository = self.server.hub.repositories.get(name)
        if repository is None:
            return self._refuse(401 if api else 404, "RepoNotFound")
        revision, rest = (call[1] if len(call) > 1 else "main"), "/".join(call[2:])
        commit = repository.branches.get(revision, revision)
        if commit not in repository.commits:
            return self._refuse(404, "RevisionNotFound")
        files = repository.commits[commit]
        if api:
            return self._tell(name, commit, files, tree=call[:1] == ["tree"])
        if repository.gated:
            return self._refuse(401, "GatedRepo")
        if rest not in files:
            return self._refuse(404, "EntryNotFound", commit)
        return self._send(rest, files[rest], commit)

    def _tell(self, name: str, commit: str, files: Mapping[str, bytes], *, tree: bool) -> None:
        entries = [{"type": "file", "path": p, "size": len(c), "oid": _etag(c)} for p, c in files.items()]
        facts = {"id": name, "sha": commit, "siblings": [{"rfilename": path} for path in files]}
        self._reply(200, json.dumps(entries if tree else facts).encode(), {"Content-Type": "application/json"})

    def _refuse(self, status: int, code: str, commit: str | None = None) -> None:
        headers = {"X-Error-Code": code, "X-Error-Message": f"{code}!", **({"X-Repo-Commit": commit} if commit else {})}
        self._reply(status, json.dumps({"error": code}).encode(), headers)

    def _send(self, file: str, content: bytes, commit: str) -> None:
        headers = {"ETag": f'"{_etag(content)}"', "X-Repo-Commit": commit, "Accept-Ranges": "bytes"}
        first = int((self.headers.get("Range") or "bytes=0-").removeprefix("bytes=").partition("-")[0])
        if first:
            headers["Content-Range"] = f"bytes {first}-{len(content) - 1}/{len(content)}"
        breaks = self.server.hub.breaks.get(file, [])
        cut = breaks.pop(0) if breaks and self.command == "GET" else None
        self._reply(206 if first else 200, content[first:], headers, cut)

    def _reply(self, status: int, body: bytes, headers: Mapping[str, str], cut: int | None = None) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body[:cut])
        self.close_connection = cut is not None


def _etag(content: bytes) -> str:
    return hashlib.sha1(content).hexdigest()
