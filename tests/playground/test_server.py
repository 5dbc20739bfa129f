"""The server answers its own page alone, says in words what is wrong, and keeps tabs apart."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import time
from collections.abc import Iterator
from typing import Any

import pytest
from simdnn.playground import _server, _sessions
from simdnn.playground._server import TOKEN

from tests.playground.client import Client, served


@pytest.fixture(scope="module")
def shared() -> Iterator[_server.Playground]:
    with served() as server:
        yield server


@pytest.fixture
def client(shared: _server.Playground) -> Iterator[Client]:
    found = Client(shared)
    yield found
    if found.session:
        found.call("/end", session=found.session)


def sources(policy: str, kind: str) -> str:
    (found,) = re.findall(rf"{kind} ([^;]+)", policy)
    return found


def test_the_page_needs_nothing_else(client: Client) -> None:
    answer = client.request("GET", "/?preset=vanishing", headers={"Origin": None, TOKEN: None})
    page = answer.body.decode()
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert client.server.token in page
    links = set(re.findall(r"https?://[^\s'\"`)<]*", page)) - {"http://www.w3.org/2000/svg"}
    assert not links
    assert not re.search(r"""\b(?:src|href)=["'](?!#|data:)""", page)


def test_the_policy_allows_the_style_and_the_programs_of_the_page_alone(client: Client) -> None:
    answer = client.request("GET", "/")
    policy, page = answer.headers["Content-Security-Policy"], answer.body
    assert sources(policy, "default-src") == sources(policy, "frame-ancestors") == "'none'"
    for kind, pattern in (
        ("style-src", rb"<style>(.*?)</style>"),
        ("script-src", rb'<script type="module">(.*?)</script>'),
    ):
        (text,) = re.findall(pattern, page, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(text).digest()).decode()
        assert sources(policy, kind) == f"'sha256-{digest}'"
    assert not re.search(rb"\son\w+=", page), "the policy forbids handlers in attributes"
    assert not re.search(rb"\sstyle=", page), "and styles"


@pytest.mark.parametrize("path", ["/", "/frame"])
@pytest.mark.parametrize("host", [None, "evil.example", "evil.example:{port}", "127.0.0.1", "127.0.0.1:1"])
def test_other_hosts_are_refused(client: Client, path: str, host: str | None) -> None:
    """A name that is resolved to this machine does not reach the page (DNS rebinding)."""
    given = host and host.format(port=client.server.server_port)
    answer = client.request("GET" if path == "/" else "POST", path, {}, {"Host": given, "Origin": None})
    assert answer.status == 403
    assert "Host" in answer.json["error"]
    assert client.server.token.encode() not in answer.body


@pytest.mark.parametrize("path", ["/begin", "/frame", "/control", "/end"])
@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "https://127.0.0.1:{port}"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {TOKEN: None},
        {TOKEN: "guess"},
        {TOKEN: "\xe9"},
    ],
    ids=str,
)
def test_calls_of_other_pages_are_refused(client: Client, path: str, headers: dict[str, str | None]) -> None:
    port = client.server.server_port
    given = {name: value and value.replace("{port}", str(port)) for name, value in headers.items()}
    before = len(client.server.sessions)
    answer = client.request("POST", path, {}, given)
    assert answer.status == 403
    assert len(client.server.sessions) == before


def test_the_other_name_of_this_machine_is_its_own_origin(client: Client) -> None:
    host = f"localhost:{client.server.server_port}"
    same = {"Host": host, "Origin": f"http://{host}", "Sec-Fetch-Site": "same-origin"}
    answer = client.request("POST", "/begin", {}, same)
    assert answer.status == 200
    client.session = answer.json["session"]
    mixed = client.request("POST", "/begin", {}, {"Host": host})
    assert mixed.status == 403


def test_forms_are_refused(client: Client) -> None:
    answer = client.request("POST", "/begin", b"{}", {"Content-Type": "text/plain"})
    assert answer.status == 415


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "PATCH", "HEAD", "TRACE"])
def test_other_methods_are_refused(client: Client, method: str) -> None:
    answer = client.request(method, "/begin", {})
    assert answer.status == 405
    assert (answer.json is None) == (method == "HEAD")


@pytest.mark.parametrize(("method", "path"), [("GET", "/begin"), ("GET", "/../etc/passwd"), ("POST", "/")])
def test_other_paths_are_not_found(client: Client, method: str, path: str) -> None:
    assert client.request(method, path, {}).status == 404


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "body: expected JSON"),
        (b"{", "body: expected JSON"),
        (b"\xff", "body: expected JSON"),
        (b"[" * 15_000, "body: expected JSON"),
        (b"9" * 10_000, "body: expected"),
        (b"[]", "body: expected an object, got list"),
        (b'{"other": 1}', "body: 'other' is not known; known: settings, session"),
        (b'{"settings": 1}', "settings: expected an object, got int"),
        (b'{"settings": {"depth": 1}}', "settings: 'depth' is not known"),
        (b'{"settings": {"lr": NaN}}', "lr: expected a finite number from 0 to 1000, got nan"),
        (b'{"settings": {"lr": 1e999}}', "lr: expected a finite number"),
        (b'{"settings": {"lr": "1"}}', "lr: expected a number, got str"),
        (b'{"settings": {"lr": -1}}', "lr: expected a finite number from 0 to 1000, got -1"),
        (b'{"settings": {"layers": 61}}', "layers: expected an integer from 0 to 60, got 61"),
        (b'{"settings": {"layers": 1.5}}', "layers: expected an integer, got float"),
        (b'{"settings": {"residual": 1}}', "residual: expected true or false, got 1"),
        (b'{"settings": {"data": "cats"}}', "data: 'cats' is not known; known: circles, spirals"),
        (b'{"settings": {"activation": ["relu"]}}', "activation: expected a name, got list"),
        (b'{"settings": {"widths": 8}}', "widths: expected a list of integers, got int"),
        (b'{"settings": {"widths": []}}', "widths: expected 1 to 60 integers, got 0"),
        (b'{"settings": {"widths": [0]}}', "widths: expected an integer from 1 to 256, got 0"),
        (b'{"settings": {"widths": [8, 8, 8]}}', "widths: expected one number, or one for each of 2 layers"),
        (b'{"settings": {"layers": 60, "widths": [256]}}', "a network of at most 300,000 parameters"),
        (b'{"session": 1}', "session: expected a key, got int"),
    ],
)
def test_what_is_wrong_with_a_call_is_said_in_words(client: Client, body: bytes, words: str) -> None:
    before = len(client.server.sessions)
    answer = client.request("POST", "/begin", body)
    assert answer.status == 400
    assert words in answer.json["error"]
    assert len(client.server.sessions) == before


@pytest.mark.parametrize(
    ("path", "more", "words"),
    [
        ("/frame", {"version": -1}, "version: expected an integer >= 0, got -1"),
        ("/frame", {"version": "1"}, "version: expected an integer, got str"),
        ("/frame", {"versions": 1}, "body: 'versions' is not known"),
        ("/control", {"action": "jump"}, "action: 'jump' is not known; known: run, pause, epoch"),
        ("/control", {"pace": 1000}, "pace: expected a name, got int"),
        ("/end", {"action": "run"}, "body: 'action' is not known"),
    ],
)
def test_values_of_the_other_calls_are_checked(
    client: Client, path: str, more: dict[str, Any], words: str
) -> None:
    client.begin()
    answer = client.request("POST", path, {"session": client.session, **more})
    assert answer.status == 400
    assert words in answer.json["error"]


@pytest.mark.parametrize(
    ("length", "status"),
    [(None, 411), ("many", 411), ("-1", 411), ("\xb2", 411), ("16385", 413), ("9" * 40, 413)],
)
def test_bodies_have_a_length_within_the_limit(client: Client, length: str | None, status: int) -> None:
    answer = client.request("POST", "/begin", b"{}", {"Content-Length": length})
    assert answer.status == status


def test_a_training_begins_when_it_is_told_to(client: Client) -> None:
    facts = client.begin(noise=0.05)
    assert len(facts["points"]["x"]) == len(facts["points"]["y"]) == 256
    frame = client.frame()
    assert (frame["state"], frame["steps"]) == ("paused", 0)
    assert client.frame(frame["version"]) == frame, "nothing changes, after a while"
    client.control("run")
    trained = client.watch(lambda one: one["test_accuracy"] > 0.95)
    assert trained["version"] > frame["version"]
    assert trained["loss"] < frame["loss"]
    assert trained["curve"][0] == sorted(trained["curve"][0])
    client.control("pause")
    time.sleep(0.2)
    paused = client.frame()
    assert paused["state"] == "paused"
    assert client.frame(paused["version"])["steps"] == paused["steps"]


def test_one_epoch_is_one_epoch(client: Client) -> None:
    client.begin(batch=100)
    for epochs in (1, 2):
        client.control("epoch")
        frame = client.watch(
            lambda one, epochs=epochs: one["state"] == "paused" and one["steps"] >= 3 * epochs
        )
        assert frame["steps"] == 3 * epochs


def test_the_pace_is_kept(client: Client) -> None:
    client.begin(batch=256)
    client.control("run", pace="100")
    begin = time.monotonic()
    time.sleep(0.5)
    slow = client.watch(lambda one: one["steps"] > 0)["steps"]
    assert slow <= 100 * (time.monotonic() - begin) + 10, "it waits after the steps of each twentieth second"
    client.control(pace="full")
    assert client.watch(lambda one: one["steps"] > 2000)


def test_a_surface_has_the_classes_and_confidences_of_the_network(client: Client) -> None:
    facts = client.begin(data="blobs", noise=0.05)
    client.control("run")
    frame = client.watch(lambda one: one["accuracy"] == 1.0 and one["loss"] < 0.02)
    codes = base64.b64decode(frame["seen"])
    side, levels, reach = facts["side"], facts["levels"], facts["reach"]
    assert len(codes) == side * side
    right = 0
    for (x, y), label in zip(facts["points"]["x"], facts["points"]["y"], strict=True):
        column = round((x + reach) / (2 * reach) * (side - 1))
        row = round((reach - y) / (2 * reach) * (side - 1))
        code = codes[row * side + column]
        right += code // levels == label and code % levels > levels // 3
    assert right >= 250


def test_digits_are_read(client: Client) -> None:
    pytest.importorskip("sklearn", reason="needs the extra [demo]: scikit-learn")
    facts = client.begin(data="digits", lr=0.003)
    assert len(base64.b64decode(facts["images"]["pixels"])) == 64 * len(facts["images"]["labels"])
    client.control("run")
    frame = client.watch(lambda one: one["test_accuracy"] > 0.9)
    right = sum(map(int.__eq__, frame["seen"], facts["images"]["labels"]))
    assert right > 0.7 * len(frame["seen"])


def test_numbers_that_are_not_finite_are_null(client: Client) -> None:
    client.begin(layers=8, widths=[16], activation="relu", gain=1000, optimizer="sgd", lr=1000)
    client.control("run")
    frame = client.watch(lambda one: one["state"] == "diverged")
    assert frame["loss"] is None
    assert "exploding gradients" in frame["verdict"]
    assert "NaN" not in json.dumps(frame)
    client.control("run")
    assert client.frame()["state"] == "diverged"


def test_a_training_has_a_limit(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("simdnn.playground._session.MOST_STEPS", 100)
    client.begin()
    client.control("run")
    frame = client.watch(lambda one: one["state"] == "limit")
    assert frame["steps"] >= 100
    client.control("run")
    assert client.frame()["steps"] == frame["steps"]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_training_that_fails_says_so(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    client.begin()

    def broken(*_: object, **__: object) -> None:
        raise MemoryError

    session = client.server.sessions.find(client.session).session
    monkeypatch.setattr(session._trainer, "evaluate", broken)
    client.control("run")
    assert client.watch(lambda one: one["state"] == "failed")["steps"] == 0


def test_tabs_are_apart(client: Client) -> None:
    other = Client(client.server)
    client.begin()
    other.begin()
    assert client.session != other.session
    client.control("run")
    client.watch(lambda one: one["steps"] > 100)
    assert other.frame()["steps"] == 0
    other.call("/end", session=other.session)
    steps = client.frame()["steps"]
    client.watch(lambda one: one["steps"] > steps)


def test_a_session_replaces_that_of_its_tab(client: Client) -> None:
    first = client.begin()["session"]
    before = len(client.server.sessions)
    client.begin(layers=1)
    assert len(client.server.sessions) == before
    answer = client.request("POST", "/frame", {"session": first})
    assert answer.status == 410
    assert answer.json["error"] == "this training has ended"


def test_a_tab_that_does_not_ask_stops_its_training() -> None:
    with served(lease=0.3) as server:
        client = Client(server)
        client.begin()
        client.control("run", pace="full")
        client.watch(lambda one: one["steps"] > 0)
        session = server.sessions.find(client.session).session
        time.sleep(0.8)
        stopped = session._latest.steps
        assert not session.training
        time.sleep(0.3)
        assert session._latest.steps == stopped
        assert client.watch(lambda one: one["steps"] > stopped), "it goes on for one that asks again"


def test_a_tab_that_is_gone_for_long_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("simdnn.playground._session.IDLE", 0.2)
    with served(lease=0.1) as server:
        client = Client(server)
        client.begin()
        session = server.sessions.find(client.session).session
        session._thread.join(10)
        assert not session._thread.is_alive()
        assert len(server.sessions) == 0
        assert client.request("POST", "/frame", {"session": client.session}).status == 410


def test_tabs_have_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_sessions, "MOST", 2)
    with served(lease=60) as server:
        clients = [Client(server) for _ in range(3)]
        for one in clients[:2]:
            one.begin()
        answer = clients[2].request("POST", "/begin", {})
        assert answer.status == 503
        assert "close one" in answer.json["error"]
        server.sessions.find(clients[0].session).session._seen -= 61  # it was left a minute ago
        clients[2].begin()
        assert clients[0].request("POST", "/frame", {"session": clients[0].session}).status == 410
        assert clients[1].frame()["steps"] == 0


def test_the_end_of_the_server_ends_all_trainings() -> None:
    with served() as server:
        sessions = []
        for _ in range(3):
            client = Client(server)
            client.begin()
            client.control("run", pace="full")
            sessions.append(server.sessions.find(client.session).session)
    assert not any(one._thread.is_alive() for one in sessions)
