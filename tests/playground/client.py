"""A server of the playground for the length of a test, and a client of it."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from simdnn.playground._server import TOKEN, Playground


@contextmanager
def served(lease: float = 3.0) -> Iterator[Playground]:
    """A server at a free port, which runs in a thread."""
    server = Playground(0, lease)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.close()


class Answer(NamedTuple):
    """The answer to a request; `json` is its body, or None for other bodies."""

    status: int
    headers: dict[str, str]
    body: bytes
    json: Any


class Client:
    """The page of one tab, as the server sees it."""

    def __init__(self, server: Playground) -> None:
        self.server = server
        self.session = ""

    def request(
        self, method: str, path: str, body: Any = None, headers: dict[str, str | None] | None = None
    ) -> Answer:
        """The answer to a request of the page; headers that are None are left out."""
        text = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        usual: dict[str, str | None] = {
            "Host": f"127.0.0.1:{self.server.server_port}",
            "Origin": self.server.url.rstrip("/"),
            "Content-Type": "application/json",
            "Content-Length": None if text is None else str(len(text)),
            TOKEN: self.server.token,
        }
        connection = http.client.HTTPConnection("127.0.0.1", self.server.server_port, timeout=20)
        try:
            connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            for name, value in (usual | (headers or {})).items():
                if value is not None:
                    connection.putheader(name, value)
            connection.endheaders(text)
            response = connection.getresponse()
            found = response.read()
            kind = response.headers.get_content_type()
            read = json.loads(found) if found and kind == "application/json" else None
            return Answer(response.status, dict(response.headers), found, read)
        finally:
            connection.close()

    def call(self, path: str, **body: Any) -> Any:
        """The JSON of an answer that is no error."""
        answer = self.request("POST", path, body)
        assert answer.status == 200, answer.json
        return answer.json

    def begin(self, **settings: Any) -> Any:
        """Begins a session; returns the facts that do not change."""
        found = self.call("/begin", settings=settings, **({"session": self.session} if self.session else {}))
        self.session = found["session"]
        return found

    def control(self, action: str | None = None, **others: Any) -> None:
        self.call("/control", session=self.session, action=action, **others)

    def frame(self, version: int = 0) -> Any:
        return self.call("/frame", session=self.session, version=version)

    def watch(self, until: Callable[[Any], bool], seconds: float = 20.0) -> Any:
        """The first frame for which `until` is true."""
        end, frame = time.monotonic() + seconds, self.frame()
        while not until(frame):
            assert time.monotonic() < end, {name: frame[name] for name in ("state", "steps", "verdict")}
            frame = self.frame(frame["version"])
        return frame
