"""`python -m tests.tools.playground`: writes the picture of the playground in the documentation."""

from __future__ import annotations

from tests.playground.browser import Browser, started
from tests.playground.client import served
from tests.support.processes import ROOT

#: Height of the picture in pixels; its width is that of a window.
HEIGHT = 1000


def main() -> None:
    """Trains on the spirals until nearly all points are right."""
    driver = started()
    try:
        with served() as server:
            browser = Browser(driver, server.url)
            browser.open("?preset=spirals")
            browser.find("run").click()
            browser.wait(lambda: browser.number("accuracy") > 99)
            picture = browser.picture(HEIGHT)
    finally:
        driver.quit()
    (ROOT / "docs" / "guides" / "playground.webp").write_bytes(picture)


if __name__ == "__main__":
    main()
