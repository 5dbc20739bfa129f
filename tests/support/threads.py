"""Work that several threads do at once."""

import threading
from collections.abc import Callable


def together(*works: Callable[[], None], seconds: float = 0.5) -> list[Exception]:
    """Repeats each work on a thread of its own for a while; returns the errors of bad arguments."""
    found: list[Exception] = []
    stop = threading.Event()

    def repeated(work: Callable[[], None]) -> None:
        while not stop.is_set():
            try:
                work()
            except (ValueError, IndexError) as error:
                found.append(error)

    threads = [threading.Thread(target=repeated, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    stop.wait(seconds)
    stop.set()
    for thread in threads:
        thread.join()
    return found
