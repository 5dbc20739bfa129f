"""``simdnn playground``: its options and its run."""

from __future__ import annotations

import argparse
import errno
import threading
import webbrowser
from urllib.parse import urlencode

from ._presets import PRESETS

DESCRIPTION = """Watch networks while they train, on a page of the browser: data, layers, optimizer and
regularization are yours to choose, and a verdict says in words what is wrong. The page is served by this
machine to this machine alone. Ctrl-C ends it."""
#: The port to which links in the documentation lead.
PORT = 8642


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of `simdnn playground`."""
    add = parser.add_argument
    add("--port", type=int, default=PORT, metavar="N", help="port; 0 is any free one (default: %(default)s)")
    add("--preset", choices=sorted(PRESETS), metavar="NAME", help=f"settings: {', '.join(PRESETS)}")
    add("--no-browser", action="store_true", help="do not open the browser")


def run(options: argparse.Namespace) -> int:
    """Serves the page until Ctrl-C, and returns the exit status.

    Raises
    ------
    ValueError, OSError
        If there is no such port, or it is in use.
    """
    from ._server import Playground

    if not 0 <= options.port <= 65535:
        raise ValueError(f"--port: expected a number from 0 to 65535, got {options.port}")
    try:
        server = Playground(options.port)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise OSError(f"--port: {options.port} is in use; --port 0 takes a free one") from None
        raise
    url = server.url + (f"?{urlencode({'preset': options.preset})}" if options.preset else "")
    print(f"The playground is at {url} (Ctrl-C ends it)", flush=True)
    try:
        if not options.no_browser:
            threading.Thread(target=webbrowser.open, args=(url,), daemon=True).start()  # some block
        server.serve_forever(poll_interval=0.1)
    except KeyboardInterrupt:
        print()
    finally:
        server.close()
    return 0
