"""Fetching a file over https: the one module of the package that opens a connection.

It is used by ``fahrstats data fetch`` alone, sends nothing but the request, and keeps
only what has the SHA-256 that the catalogue states.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from email.message import Message
from http.client import HTTPException, HTTPMessage, HTTPResponse
from importlib.metadata import version
from pathlib import Path
from typing import IO
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from fahrstats.datasets.catalogue import RemoteFile
from fahrstats.errors import DataError
from fahrstats.files import file_sha256

MOST_BYTES = 2 * 1024**3
"""Bytes after which a file of unknown size is given up."""

_CHUNK = 1 << 16
_ATTEMPTS = 20  # each of which brought something
_LOOPBACK = {"127.0.0.1", "::1", "localhost"}

Watch = Callable[[int, int | None], None]
"""Told the bytes that are there, and the bytes of the whole file if that is known."""


def download(
    file: RemoteFile,
    folder: Path,
    *,
    watch: Watch = lambda done, total: None,
    timeout: float = 30.0,
    loopback_http: bool = False,
) -> Path:
    """Fetch a file unless it is there, going on where an earlier attempt stopped.

    What has arrived is kept in ``NAME.partial`` and becomes ``NAME`` when it is
    complete and has the right SHA-256. A connection that breaks is made again as long
    as each attempt brings something.

    Parameters
    ----------
    file
        Name, address, SHA-256 and size.
    folder
        Where it goes; made if needed.
    watch
        Told how far it is.
    timeout
        Seconds without an answer after which a connection counts as broken.
    loopback_http
        Allow http to this machine itself, for a server on it.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    DataError
        The address, or one that it leads to, is not https; there is no connection, no
        such file or no room; the file is larger than stated, or is another one; or a
        different file of that name is there.
    """
    _check_address(file.url, loopback_http)
    target = folder / file.name
    if target.exists():
        if file_sha256(target) != file.sha256:
            raise DataError(
                f"`{target}` is there and is not the file of the catalogue; move it "
                "away, or fetch into another folder with `--to`."
            )
        return target
    folder.mkdir(parents=True, exist_ok=True)
    partial = _Partial(folder / f"{file.name}.partial")
    source = _Source(file, timeout, loopback_http)
    _receive_all(source, partial, watch)
    found = file_sha256(partial.path)
    if found != file.sha256:
        partial.discard()
        raise DataError(
            f"`{file.name}` from `{file.url}` is not the file of the catalogue: its "
            f"SHA-256 is {found[:12]}… instead of {file.sha256[:12]}…. It was deleted. "
            "It was replaced there, or changed on the way."
        )
    partial.path.replace(target)
    partial.discard()
    return target


@dataclass(frozen=True, slots=True)
class _Partial:
    """What has arrived of a file, and the version that the server said it is of."""

    path: Path

    @property
    def tag_path(self) -> Path:
        return self.path.with_name(f"{self.path.name}.etag")

    @property
    def size(self) -> int:
        """Bytes that have arrived."""
        return self.path.stat().st_size if self.path.exists() else 0

    @property
    def tag(self) -> str:
        """Strong ETag of what has arrived, or empty."""
        return self.tag_path.read_text("ascii") if self.tag_path.exists() else ""

    def keep_tag(self, tag: str) -> None:
        """Remember a strong ETag; a weak one does not tell versions apart."""
        if tag.startswith('"'):
            self.tag_path.write_text(tag, "ascii")

    def discard(self) -> None:
        """Delete what is left."""
        self.path.unlink(missing_ok=True)
        self.tag_path.unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class _Source:
    """A file and how it is asked for."""

    file: RemoteFile
    timeout: float
    loopback_http: bool

    def ask(self, headers: Mapping[str, str]) -> HTTPResponse:
        """Return the answer of the server, which a caller closes."""
        agent = {"User-Agent": f"fahrstats/{version('fahrstats')}"}
        request = Request(self.file.url, headers={**agent, **headers})
        opener = build_opener(_SecureRedirects(self.loopback_http))
        answer: HTTPResponse = opener.open(request, timeout=self.timeout)
        return answer


class _SecureRedirects(HTTPRedirectHandler):
    """Follow an address to https only."""

    def __init__(self, loopback_http: bool) -> None:
        self._loopback_http = loopback_http

    def redirect_request(
        self,
        req: Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: HTTPMessage,
        newurl: str,
    ) -> Request | None:
        _check_address(newurl, self._loopback_http)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _check_address(url: str, loopback_http: bool) -> None:
    """Refuse what is not https."""
    parts = urlsplit(url)
    is_loopback = parts.scheme == "http" and parts.hostname in _LOOPBACK
    if parts.scheme != "https" and not (loopback_http and is_loopback):
        raise DataError(
            f"`{url}` is not an https address; nothing is fetched from it, since what "
            "arrives could be read and changed on the way."
        )


def _receive_all(source: _Source, partial: _Partial, watch: Watch) -> None:
    """Receive what is missing of a file, in as many attempts as it takes."""
    began_again = False
    for _ in range(_ATTEMPTS):
        before = partial.size
        if before and before == source.file.size:
            return
        broke: Exception | None = None
        try:
            if _receive(source, partial, watch):
                return
        except HTTPError as error:
            raise _refusal(source.file, error) from error
        except (HTTPException, URLError, ConnectionError, TimeoutError) as error:
            broke = error
        if partial.size <= before:
            if broke or began_again:
                raise _no_connection(source.file, partial, broke) from broke
            began_again = True
    raise DataError(
        f"The connection to `{_host(source.file)}` broke {_ATTEMPTS} times; "
        f"{_amount(partial.size)} of `{source.file.name}` are kept: run this again."
    )


def _receive(source: _Source, partial: _Partial, watch: Watch) -> bool:
    """Receive until the connection ends; tell whether the file is complete."""
    have, tag = partial.size, partial.tag
    headers = {"Range": f"bytes={have}-"} if have else {}
    if have and tag:
        headers["If-Range"] = tag
    try:
        answer = source.ask(headers)
    except HTTPError as error:
        if error.code != 416 or not have:
            raise
        if _total(error.headers) == have:  # there is nothing after what has arrived
            return True
        partial.discard()
        return False
    with answer:
        if not have or not _goes_on(answer, have, tag):
            partial.discard()
            if answer.status == 206:  # a part of another version
                return False
            have = 0
        total = _total(answer.headers)
        _check_size(source.file, total, partial)
        _check_room(source.file, (total or have) - have, partial.path.parent)
        most = source.file.size or MOST_BYTES
        partial.keep_tag(answer.headers.get("ETag", ""))
        watch(have, total)
        done = have
        for done in _stored(answer, partial, have):
            if done > most:
                _check_size(source.file, done, partial)
            watch(done, total)
    return done == (total or source.file.size or done)


def _stored(answer: HTTPResponse, partial: _Partial, have: int) -> Iterator[int]:
    """Append what arrives; yield the bytes that are there."""
    with partial.path.open("ab", buffering=0) as kept:
        while chunk := answer.read1(_CHUNK):
            rest = memoryview(chunk)
            try:
                while rest:
                    rest = rest[kept.write(rest) :]
            except OSError as error:
                raise DataError(
                    f"`{partial.path}` cannot be written ({error.strerror}); make room "
                    "and run this again: what has arrived is kept."
                ) from error
            have += len(chunk)
            yield have
        os.fsync(kept.fileno())


def _goes_on(answer: HTTPResponse, have: int, tag: str) -> bool:
    """Tell whether an answer is the rest of what has arrived, of the same version."""
    begins = answer.headers.get("Content-Range", "").startswith(f"bytes {have}-")
    same = not tag or answer.headers.get("ETag", tag) == tag
    return answer.status == 206 and begins and same


def _total(headers: Message) -> int | None:
    """Return the bytes of the whole file, if the server says so."""
    stated = headers.get("Content-Range", "").rpartition("/")[2]
    stated = stated or headers.get("Content-Length", "")
    return int(stated) if stated.isascii() and stated.isdecimal() else None


def _check_size(file: RemoteFile, total: int | None, partial: _Partial) -> None:
    """Refuse a file of another size, or one that is very large."""
    if total is None or (total == file.size if file.size else total <= MOST_BYTES):
        return
    partial.discard()
    stated = f"{file.size} bytes" if file.size else f"at most {_amount(MOST_BYTES)}"
    raise DataError(
        f"`{file.name}` at `{file.url}` has {total} bytes instead of {stated}: it is "
        "not the file of the catalogue, and was not fetched."
    )


def _check_room(file: RemoteFile, missing: int, folder: Path) -> None:
    """Refuse a file for which there is no room."""
    free = shutil.disk_usage(folder).free
    if missing > free:
        raise DataError(
            f"`{file.name}` needs {_amount(missing)} more and `{folder}` has "
            f"{_amount(free)} free; make room, or fetch into another folder with "
            "`--to`."
        )


def _refusal(file: RemoteFile, error: HTTPError) -> DataError:
    """Say what a status of the server means."""
    if error.code in (404, 410):
        why = "it is no longer there; see `fahrstats data list` for who publishes it"
    elif error.code in (401, 403):
        why = "the server does not give it to everybody"
    elif error.code == 429 or error.code >= 500:
        why = "the server has trouble; try again later"
    else:
        why = "the server refused"
    return DataError(
        f"`{file.name}` cannot be fetched from `{file.url}` (status {error.code}): "
        f"{why}."
    )


def _no_connection(
    file: RemoteFile, partial: _Partial, error: Exception | None
) -> DataError:
    """Say that nothing arrived, and what is there from before."""
    cause = error.reason if isinstance(error, URLError) else error
    if cause is None:
        why = "it sends nothing"
    elif isinstance(cause, TimeoutError):
        why = "no answer in time"
    else:
        why = getattr(cause, "strerror", None) or str(cause) or type(cause).__name__
    kept = f"; {_amount(partial.size)} are kept" if partial.size else ""
    return DataError(
        f"No connection to `{_host(file)}` for `{file.name}` ({why}){kept}: check the "
        "network and run this again."
    )


def _host(file: RemoteFile) -> str:
    return urlsplit(file.url).netloc


def _amount(n_bytes: int) -> str:
    """Return ``3.8 MB``."""
    return f"{n_bytes / 1e6:.1f} MB"
