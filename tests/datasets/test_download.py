"""Fetching, tried on a server of this machine that misbehaves on request."""

from __future__ import annotations

import ast
import errno
import hashlib
import re
import shutil
import socket
import threading
import time
from collections import namedtuple
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

import fahrstats
from fahrstats.datasets import download as module
from fahrstats.datasets.catalogue import RemoteFile
from fahrstats.datasets.download import download
from fahrstats.errors import DataError

CONTENT = np.random.default_rng(1).bytes(300_000)
OTHER = np.random.default_rng(2).bytes(300_000)
NAME = "set.bin"


@dataclass
class Manner:
    """How the server behaves."""

    content: bytes = CONTENT
    tag: str = '"one"'
    knows_ranges: bool = True
    knows_if_range: bool = True
    breaks_after: list[int] = field(default_factory=list)
    changes_after: int = 0
    states_length: bool = True
    status: int = 200
    leads_to: str = ""
    waits: float = 0.0
    requests: list[dict[str, str]] = field(default_factory=list)


class Server(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        manner = self.server.manner
        manner.requests.append(dict(self.headers))
        if manner.changes_after and len(manner.requests) > manner.changes_after:
            manner.content, manner.tag = OTHER, '"two"'
        time.sleep(manner.waits)
        self.close_connection = True
        if manner.leads_to and self.path != "/end":
            self.send_response(302)
            self.send_header("Location", manner.leads_to)
            self.send_header("Content-Length", "0")
            return self.end_headers()
        if manner.status != 200:
            return self.send_error(manner.status)
        return self.answer(manner)

    def answer(self, manner):
        total, start = len(manner.content), 0
        wanted = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        same = self.headers.get("If-Range", manner.tag) == manner.tag
        same = same or not manner.knows_if_range
        if wanted and manner.knows_ranges and same:
            start = int(wanted[1])
            if start >= total:
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{total}")
                self.send_header("Content-Length", "0")
                return self.end_headers()
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{total - 1}/{total}")
        else:
            self.send_response(200)
        if manner.tag:
            self.send_header("ETag", manner.tag)
        if manner.states_length:
            self.send_header("Content-Length", str(total - start))
        self.end_headers()
        end = manner.breaks_after.pop(0) if manner.breaks_after else total
        self.wfile.write(manner.content[start : start + end])

    def log_message(self, *args):
        pass


@pytest.fixture
def server(monkeypatch):
    """Serve in a thread; proxies of the environment are not for this machine."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    server.manner = Manner()
    server.handle_error = lambda *request: None  # a client that left is no error
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


def remote(server, content: bytes = CONTENT, path: str = "/x") -> RemoteFile:
    url = f"http://127.0.0.1:{server.server_address[1]}{path}"
    sha256 = hashlib.sha256(content).hexdigest()
    return RemoteFile(name=NAME, url=url, sha256=sha256, size=len(content))


def fetch(file: RemoteFile, folder: Path, **options) -> Path:
    return download(file, folder, loopback_http=True, timeout=2.0, **options)


def kept(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.mark.parametrize("size_known", [True, False])
@pytest.mark.parametrize("states_length", [True, False])
def test_a_file_arrives_whole_and_leaves_nothing_else(
    server, tmp_path, size_known, states_length
):
    server.manner.states_length = states_length
    told = []
    file = replace(remote(server), size=len(CONTENT) if size_known else None)
    path = fetch(file, tmp_path / "new", watch=lambda *told_now: told.append(told_now))
    assert path == tmp_path / "new" / NAME
    assert path.read_bytes() == CONTENT
    assert kept(tmp_path / "new") == {NAME}
    total = len(CONTENT) if states_length else None
    assert told[0] == (0, total)
    assert told[-1] == (len(CONTENT), total)
    assert sorted(done for done, _ in told) == [done for done, _ in told]


def test_nothing_is_sent_but_the_request(server, tmp_path):
    fetch(remote(server), tmp_path)
    (headers,) = server.manner.requests
    assert headers.pop("User-Agent") == f"fahrstats/{fahrstats.__version__}"
    assert headers.pop("Host").startswith("127.0.0.1:")
    assert headers == {"Accept-Encoding": "identity", "Connection": "close"}


def test_a_file_that_is_there_is_not_fetched_again(server, tmp_path):
    fetch(remote(server), tmp_path)
    fetch(remote(server), tmp_path)
    assert len(server.manner.requests) == 1
    with pytest.raises(DataError, match=r"is there and is not the file of the catalog"):
        fetch(remote(server, OTHER), tmp_path)
    assert (tmp_path / NAME).read_bytes() == CONTENT


def test_a_broken_connection_goes_on_where_it_stopped(server, tmp_path):
    server.manner.breaks_after = [100_000, 50_000, 1]
    assert fetch(remote(server), tmp_path).read_bytes() == CONTENT
    ranges = [headers.get("Range") for headers in server.manner.requests]
    assert ranges == [None, "bytes=100000-", "bytes=150000-", "bytes=150001-"]
    tags = [headers.get("If-Range") for headers in server.manner.requests]
    assert tags == [None, '"one"', '"one"', '"one"']
    assert kept(tmp_path) == {NAME}


def test_a_later_run_goes_on_where_the_first_stopped(server, tmp_path):
    server.manner.breaks_after = [100_000, 0]
    message = r"No connection to `127\.0\.0\.1:\d+` .*sends nothing\); 0\.1 MB are kept"
    server.manner.breaks_after = [100_000, 0, 0]
    with pytest.raises(DataError, match=message):
        fetch(remote(server), tmp_path)
    assert kept(tmp_path) == {f"{NAME}.partial", f"{NAME}.partial.etag"}
    assert fetch(remote(server), tmp_path).read_bytes() == CONTENT
    assert server.manner.requests[-1]["Range"] == "bytes=100000-"
    assert kept(tmp_path) == {NAME}


def test_what_arrived_before_a_run_was_killed_is_used(server, tmp_path):
    """Killed between the last byte and the renaming; the size is known, or is asked."""
    for size in (len(CONTENT), None):
        (tmp_path / f"{NAME}.partial").write_bytes(CONTENT)
        fetch(replace(remote(server), size=size), tmp_path).unlink()
    (headers,) = server.manner.requests
    assert headers["Range"] == f"bytes={len(CONTENT)}-"
    assert kept(tmp_path) == set()


def test_a_server_without_ranges_sends_everything_again(server, tmp_path):
    server.manner.knows_ranges = False
    server.manner.breaks_after = [100_000]
    assert fetch(remote(server), tmp_path).read_bytes() == CONTENT
    assert [h.get("Range") for h in server.manner.requests] == [None, "bytes=100000-"]


@pytest.mark.parametrize("tag", ['"one"', 'W/"weak"', ""])
def test_a_file_that_changes_in_between_is_never_mixed(server, tmp_path, tag):
    """The server's tag tells; without one, the SHA-256 does."""
    server.manner.tag = tag
    server.manner.breaks_after = [100_000]
    server.manner.changes_after = 1
    if tag == '"one"':
        assert fetch(remote(server, OTHER), tmp_path).read_bytes() == OTHER
        assert server.manner.requests[1]["If-Range"] == tag
    else:
        with pytest.raises(DataError, match="not the file of the catalogue: its SHA"):
            fetch(remote(server, OTHER), tmp_path)
        assert kept(tmp_path) == set()
        assert "If-Range" not in server.manner.requests[1]


def test_a_part_of_another_version_is_not_used(server, tmp_path):
    """Also where the server does not look at If-Range."""
    (tmp_path / f"{NAME}.partial").write_bytes(OTHER[:1000])
    (tmp_path / f"{NAME}.partial.etag").write_text('"old"')
    server.manner.knows_if_range = False
    assert fetch(remote(server), tmp_path).read_bytes() == CONTENT
    ranges = [headers.get("Range") for headers in server.manner.requests]
    assert ranges == ["bytes=1000-", None]


def test_more_than_there_is_cannot_have_arrived(server, tmp_path):
    (tmp_path / f"{NAME}.partial").write_bytes(CONTENT + b"more")
    assert fetch(remote(server), tmp_path).read_bytes() == CONTENT
    assert [h.get("Range") for h in server.manner.requests] == ["bytes=300004-", None]


def test_wrong_bytes_are_deleted_and_named(server, tmp_path):
    server.manner.content = OTHER
    want, got = (hashlib.sha256(c).hexdigest()[:12] for c in (CONTENT, OTHER))
    message = rf"`set\.bin` from `http.*SHA-256 is {got}… instead of {want}….*deleted"
    with pytest.raises(DataError, match=message):
        fetch(remote(server), tmp_path)
    assert kept(tmp_path) == set()


@pytest.mark.parametrize("n", [299_999, 300_001])
def test_a_file_of_another_size_is_not_fetched(server, tmp_path, n):
    server.manner.content = (CONTENT + b"x")[:n]
    with pytest.raises(DataError, match=rf"has {n} bytes instead of 300000 bytes"):
        fetch(remote(server), tmp_path)
    assert kept(tmp_path) == set()


def test_a_file_of_unknown_size_has_a_limit(server, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "MOST_BYTES", 200_000)
    file = replace(remote(server), size=None)
    for states_length in (True, False):
        server.manner.states_length = states_length
        with pytest.raises(DataError, match=r"instead of at most 0\.2 MB"):
            fetch(file, tmp_path)
        assert kept(tmp_path) == set()


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (404, r"\(status 404\): it is no longer there; see `fahrstats data list`"),
        (410, "it is no longer there"),
        (403, "the server does not give it to everybody"),
        (503, "the server has trouble; try again later"),
        (400, r"\(status 400\): the server refused"),
    ],
)
def test_a_refusal_says_what_it_means(server, tmp_path, status, message):
    server.manner.status = status
    with pytest.raises(DataError, match=message):
        fetch(remote(server), tmp_path)


def test_a_redirection_is_followed_to_safe_addresses_only(server, tmp_path):
    server.manner.leads_to = f"http://localhost:{server.server_address[1]}/end"
    assert fetch(remote(server), tmp_path).read_bytes() == CONTENT
    (tmp_path / NAME).unlink()
    for unsafe, message in {
        "http://example.org/end": r"`http://example\.org/end` is not an https address",
        "ftp://127.0.0.1/end": r"`ftp://127\.0\.0\.1/end` is not an https address",
        "file:///etc/hosts": r"\(status 302\): the server refused",
    }.items():
        server.manner.leads_to = unsafe
        with pytest.raises(DataError, match=message):
            fetch(remote(server), tmp_path)
    assert kept(tmp_path) == set()


@pytest.mark.parametrize(
    "url", ["http://example.org/x", "file:///etc/hosts", "/etc/hosts", "ftp://h/x"]
)
def test_only_https_is_fetched_from(tmp_path, url):
    file = RemoteFile(name=NAME, url=url, sha256="0" * 64)
    for loopback_http in (False, True):
        with pytest.raises(DataError, match="is not an https address; nothing is"):
            download(file, tmp_path, loopback_http=loopback_http)
    assert kept(tmp_path) == set()


def test_http_to_this_machine_must_be_allowed(server, tmp_path):
    with pytest.raises(DataError, match="is not an https address"):
        download(remote(server), tmp_path)
    assert server.manner.requests == []


def test_a_slow_server_counts_as_a_broken_connection(server, tmp_path):
    server.manner.waits = 1.0
    with pytest.raises(DataError, match=r"No connection to .*\(no answer in time\)"):
        download(remote(server), tmp_path, timeout=0.2, loopback_http=True)


def test_without_a_network_the_host_is_named(tmp_path):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    file = RemoteFile(name=NAME, url=f"http://127.0.0.1:{port}/x", sha256="0" * 64)
    message = rf"No connection to `127\.0\.0\.1:{port}` for `set\.bin` \(.*refused\)"
    with pytest.raises(DataError, match=message):
        fetch(file, tmp_path)


def test_a_full_disk_keeps_what_has_arrived(server, tmp_path, monkeypatch):
    real, limit = Path.open, 100_000

    class Full:
        def __init__(self, file):
            self.file = file

        def __enter__(self):
            return self

        def __exit__(self, *error):
            self.file.close()

        def write(self, data):
            room = limit - self.file.tell()
            if room <= 0:
                raise OSError(errno.ENOSPC, "No space left on device")
            return self.file.write(data[:room])

    def open_on_full_disk(path, mode="r", *args, **kwargs):
        file = real(path, mode, *args, **kwargs)
        return Full(file) if mode == "ab" else file

    monkeypatch.setattr(Path, "open", open_on_full_disk)
    with pytest.raises(DataError, match=r"cannot be written \(No space left on device"):
        fetch(remote(server), tmp_path)
    monkeypatch.undo()
    assert (tmp_path / f"{NAME}.partial").read_bytes() == CONTENT[:limit]
    assert fetch(remote(server), tmp_path).read_bytes() == CONTENT
    assert server.manner.requests[-1]["Range"] == f"bytes={limit}-"


def test_no_room_is_found_before_the_first_byte(server, tmp_path, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(1, 1, 200_000))
    with pytest.raises(DataError, match=r"needs 0\.3 MB more .* has 0\.2 MB free"):
        fetch(remote(server), tmp_path)
    assert "set.bin" not in kept(tmp_path)


CONNECTING = {
    "aiohttp", "asyncio", "ftplib", "http", "httpx", "imaplib", "poplib", "requests",
    "smtplib", "socket", "socketserver", "ssl", "telnetlib", "urllib", "urllib3",
    "websockets", "xmlrpc", "huggingface_hub",
}  # fmt: skip


def test_no_other_module_opens_a_connection():
    """Scoring on a cluster leaves connections to ray, and only to one that is named."""
    package = Path(fahrstats.__file__).parent
    connecting = {
        path.relative_to(package).as_posix()
        for path in package.rglob("*.py")
        if CONNECTING & imported(path.read_text(encoding="utf-8"))
    }
    assert connecting == {"datasets/download.py"}
    assert imported("def f():\n    import urllib.request as r") >= {"urllib"}
    assert imported("from http import client") >= {"http"}
    assert imported("from urllib import request") >= {"urllib"}
    assert imported("importlib.import_module('socket')") >= {"socket"}


def imported(source: str) -> set[str]:
    """Return the packages of :data:`CONNECTING` that a module imports, anywhere."""
    names: set[str] = set()
    if not any(name in source for name in CONNECTING):
        return names
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module == "urllib.parse":
            continue  # takes addresses apart, and opens none
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.partition(".")[0])
        elif isinstance(node, ast.Call) and node.args:  # import_module("socket")
            first = node.args[0]
            called = getattr(node.func, "attr", getattr(node.func, "id", ""))
            if called in ("import_module", "__import__") and isinstance(
                first, ast.Constant
            ):
                names.add(str(first.value).partition(".")[0])
    return names
