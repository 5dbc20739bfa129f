"""The command: it says where the page is, ends at once at Ctrl-C, and says what is wrong with a port."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
import time
from types import SimpleNamespace

import pytest
from simdnn import cli
from simdnn.playground._page import SCRIPTS, page

from tests.playground.client import Client


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no SIGINT to one process")
@pytest.mark.parametrize("trains", [False, True])
def test_ctrl_c_ends_it_at_once(trains: bool) -> None:
    command = [sys.executable, "-m", "simdnn", "playground", "--no-browser", "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        line = process.stdout.readline()
        (port,) = re.findall(r"http://127\.0\.0\.1:(\d+)/ ", line)
        client = Client(SimpleNamespace(server_port=int(port), url=f"http://127.0.0.1:{port}/", token=""))
        body = client.request("GET", "/").body.decode()
        client.server.token = re.findall(r'"token": "([^"]+)"', body)[0]
        if trains:
            client.begin()
            client.control("run", pace="full")
            client.watch(lambda one: one["steps"] > 0)
        begin = time.monotonic()
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=20)
        assert time.monotonic() - begin < 5
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 0
    assert (output.strip(), errors) == ("", "")


def test_a_port_in_use_is_an_error_that_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert cli.main(["playground", "--no-browser", "--port", port]) == 2
    assert f"--port: {port} is in use; --port 0 takes a free one" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--port", "70000"], "--port: expected a number from 0 to 65535, got 70000"),
        (["--port", "many"], "invalid int value: 'many'"),
        (["--preset", "cats"], "invalid choice: 'cats'"),
    ],
)
def test_wrong_options_are_errors(options: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["playground", "--no-browser", *options]) == 2
    assert words in capsys.readouterr().err


def test_the_browser_opens_the_prepared_settings(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    opened: list[str] = []

    def interrupted(server: object, poll_interval: float) -> None:
        end = time.monotonic() + 10
        while not opened and time.monotonic() < end:
            time.sleep(0.01)
        raise KeyboardInterrupt

    monkeypatch.setattr("webbrowser.open", opened.append)
    monkeypatch.setattr("simdnn.playground._server.Playground.serve_forever", interrupted)
    assert cli.main(["playground", "--port", "0", "--preset", "dead-relu"]) == 0
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/\?preset=dead-relu", opened[0])
    assert opened[0] in capsys.readouterr().out


def test_the_page_holds_its_files() -> None:
    """An installed package has the files that are not Python."""
    found = page("</script>").decode()
    assert all(place not in found for place in ("<!-- style -->", "<!-- facts -->", "<!-- programs -->"))
    assert "\\u003c/script>" in found
    assert len(SCRIPTS) == len(set(SCRIPTS))
