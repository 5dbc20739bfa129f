"""The server of the playground: one page, and four calls that this page alone can make."""

from __future__ import annotations

import json
import secrets
import sys
from collections.abc import Callable
from http import HTTPStatus as Status
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from .._utils.check import check_int, check_name
from ._page import page, policy
from ._session import LEASE
from ._sessions import EndedError, FullError, Sessions
from ._settings import checked

#: The only address that the server listens at, and the names that a browser on this machine has for it.
ADDRESS = "127.0.0.1"
HOSTS = (ADDRESS, "localhost")
#: Largest size of a request's body in bytes, and seconds that a client may take to send it.
MOST_BYTES, PATIENCE = 16_384, 20.0
#: Seconds that a request for a frame waits for a new one.
WAIT = 1.0
#: Header with the token that only the page of this server knows.
TOKEN = "X-Simdnn-Token"


class RefusedError(Exception):
    """A request that gets an error as its answer."""

    def __init__(self, status: Status, words: str) -> None:
        super().__init__(words)
        self.status = status


class Playground(ThreadingHTTPServer):
    """The server; `serve_forever` runs it, `close` ends it with all trainings.

    Parameters
    ----------
    port : int
        0 is any free one.
    lease : float
        Seconds without a request of a tab after which its training pauses.
    """

    daemon_threads = True
    block_on_close = False

    def __init__(self, port: int, lease: float = LEASE) -> None:
        super().__init__((ADDRESS, port), Handler)
        self.sessions, self.token = Sessions(lease), secrets.token_urlsafe(24)
        self.hosts = {host if self.server_port == 80 else f"{host}:{self.server_port}" for host in HOSTS}
        self.closed = False

    @property
    def url(self) -> str:
        """Address of the page."""
        return f"http://{ADDRESS}:{self.server_port}/"

    def close(self) -> None:
        """Ends the server, which does not run any more, and all trainings."""
        self.closed = True
        self.server_close()
        self.sessions.end_all()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Prints an error, unless a tab was closed while it was answered."""
        if not isinstance(sys.exc_info()[1], ConnectionError | TimeoutError):
            super().handle_error(request, client_address)


class Handler(BaseHTTPRequestHandler):
    """Answers to the requests of one connection."""

    server: Playground
    server_version, sys_version = "simdnn", ""
    protocol_version = "HTTP/1.1"
    timeout = PATIENCE

    def do_GET(self) -> None:
        """Answers with the page."""
        self._answered(self._page)

    def do_POST(self) -> None:
        """Answers a call with JSON."""
        self._answered(self._call)

    def __getattr__(self, name: str) -> Any:
        """Methods of HTTP other than these two are refused."""
        if name.startswith("do_"):
            return lambda: self._answered(self._refuse_method)
        raise AttributeError(name)

    def log_message(self, format: str, *arguments: Any) -> None:
        """Prints nothing: a page makes ten requests a second."""

    def _answered(self, answer: Callable[[], tuple[str, bytes]]) -> None:
        """Sends an answer, or the error that it ended with."""
        status, kind = Status.OK, "application/json"
        try:
            if self.headers.get("Host") not in self.server.hosts:
                raise RefusedError(Status.FORBIDDEN, f"Host: expected one of {', '.join(self.server.hosts)}")
            if self.server.closed:  # connections that were open before live on
                raise RefusedError(Status.SERVICE_UNAVAILABLE, "the playground has ended")
            kind, body = answer()
        except RefusedError as refusal:
            status, body = refusal.status, _error(refusal)
        except EndedError as error:
            status, body = Status.GONE, _error(error)
        except FullError as error:
            status, body = Status.SERVICE_UNAVAILABLE, _error(error)
        except (TypeError, ValueError, ImportError) as error:
            status, body = Status.BAD_REQUEST, _error(error)
        self.send_response(status)
        if status is not Status.OK:  # the body of the request may not have been read
            self.send_header("Connection", "close")
        self._send(kind, body)

    def _send(self, kind: str, body: bytes) -> None:
        """Sends headers and body."""
        headers = {
            "Content-Type": f"{kind}; charset=utf-8",
            "Content-Length": str(len(body)),
            "Cache-Control": "no-store",
            "Content-Security-Policy": policy(),
            "Cross-Origin-Opener-Policy": "same-origin",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
            "X-Frame-Options": "DENY",
        }
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _refuse_method(self) -> tuple[str, bytes]:
        raise RefusedError(Status.METHOD_NOT_ALLOWED, f"{self.command}: expected GET or POST")

    def _page(self) -> tuple[str, bytes]:
        """The page, at the root alone."""
        if self.path.partition("?")[0] != "/":
            raise RefusedError(Status.NOT_FOUND, "the page is at /")
        return "text/html", page(self.server.token)

    def _call(self) -> tuple[str, bytes]:
        """The answer to a call from the page of this server."""
        call = CALLS.get(self.path)
        if call is None:
            raise RefusedError(Status.NOT_FOUND, f"expected one of {', '.join(CALLS)}")
        origin, site = self.headers.get("Origin"), self.headers.get("Sec-Fetch-Site", "same-origin")
        if origin not in (None, f"http://{self.headers['Host']}") or site != "same-origin":
            raise RefusedError(Status.FORBIDDEN, "only the page of this server may call it")
        if not secrets.compare_digest(self.headers.get(TOKEN, "").encode(), self.server.token.encode()):
            raise RefusedError(Status.FORBIDDEN, f"{TOKEN}: expected the token of the page; load it again")
        return "application/json", json.dumps(call(self.server.sessions, self._body())).encode()

    def _body(self) -> dict[str, Any]:
        """The JSON object that a request brings."""
        if self.headers.get_content_type() != "application/json":
            raise RefusedError(Status.UNSUPPORTED_MEDIA_TYPE, "expected the content type application/json")
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdecimal()):
            raise RefusedError(Status.LENGTH_REQUIRED, "expected a Content-Length")
        if len(length) > 9 or int(length) > MOST_BYTES:
            raise RefusedError(Status.REQUEST_ENTITY_TOO_LARGE, f"expected at most {MOST_BYTES} bytes")
        try:
            found = json.loads(self.rfile.read(int(length)))
        except (ValueError, RecursionError) as error:
            raise ValueError(f"body: expected JSON, got {error}") from None
        if not isinstance(found, dict):
            raise TypeError(f"body: expected an object, got {type(found).__name__}")
        return found


def _begin(sessions: Sessions, body: dict[str, Any]) -> dict[str, Any]:
    """Begins a session, instead of an earlier one of the tab."""
    _check_names(body, "settings", "session")
    settings = checked(body.get("settings", {}))
    earlier = _key(body) if body.get("session") is not None else None
    return sessions.begin(settings, earlier).description()


def _frame(sessions: Sessions, body: dict[str, Any]) -> dict[str, Any]:
    """The state of a session, once it differs from the one that the page has seen."""
    _check_names(body, "session", "version")
    version = check_int("version", body.get("version", 0), 0)
    return sessions.find(_key(body)).frame(version, WAIT)


def _control(sessions: Sessions, body: dict[str, Any]) -> dict[str, Any]:
    """Runs or pauses a training, trains an epoch, sets the pace."""
    _check_names(body, "session", "action", "pace")
    sessions.find(_key(body)).session.control(body.get("action"), body.get("pace"))
    return {}


def _end(sessions: Sessions, body: dict[str, Any]) -> dict[str, Any]:
    """Ends a session."""
    _check_names(body, "session")
    sessions.end(_key(body))
    return {}


#: The calls by their paths.
CALLS: dict[str, Callable[[Sessions, dict[str, Any]], dict[str, Any]]] = {
    "/begin": _begin,
    "/frame": _frame,
    "/control": _control,
    "/end": _end,
}


def _key(body: dict[str, Any]) -> str:
    """The key of a session."""
    key = body.get("session")
    if not isinstance(key, str):
        raise TypeError(f"session: expected a key, got {type(key).__name__}")
    return key


def _check_names(body: dict[str, Any], *known: str) -> None:
    """Raises if the body has a name that the call does not know."""
    for name in body:
        check_name("body", name, known)


def _error(error: Exception) -> bytes:
    """The words of an error as JSON."""
    return json.dumps({"error": str(error)}).encode()
