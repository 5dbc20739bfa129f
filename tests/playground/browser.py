"""A real browser that shows the page of the playground."""

from __future__ import annotations

import base64
import shutil
from collections.abc import Callable
from typing import Any

from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
DRIVER = shutil.which("chromedriver")


def started() -> Any:
    """A driver of Chromium without a window, which keeps the messages of its console."""
    options = webdriver.ChromeOptions()
    options.binary_location = str(CHROMIUM)
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    return webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))


class Browser:
    """A tab of the browser that shows the page."""

    def __init__(self, driver: Any, url: str) -> None:
        self.driver, self.url = driver, url

    def open(self, query: str = "", width: int = 1280, theme: str = "light") -> None:
        """Opens the page in a window of a width and a theme, and waits for the first frame."""
        metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
        media = {"features": [{"name": "prefers-color-scheme", "value": theme}]}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
        self.driver.get("about:blank")
        self.driver.get(self.url + query)
        self.wait(lambda: self.text("verdict"))

    def wait(self, until: Callable[[], Any]) -> Any:
        return WebDriverWait(self.driver, 20, poll_frequency=0.05).until(lambda _: until())

    def find(self, name: str) -> Any:
        return self.driver.find_element(By.ID, name)

    def text(self, name: str) -> str:
        return str(self.find(name).text)

    def number(self, name: str) -> float:
        return float(self.text(name).replace(",", "").rstrip("%") or "nan")

    def fill(self, name: str, value: str) -> None:
        """Types a value into the field of a setting and leaves the field."""
        field = self.find(f"set-{name}")
        field.clear()
        field.send_keys(value + Keys.TAB)

    def script(self, text: str) -> Any:
        return self.driver.execute_script(text)

    def picture(self, height: int) -> bytes:
        """The upper part of the page as WebP."""
        width = self.script("return innerWidth")
        clip = {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}
        options = {"format": "webp", "quality": 85, "captureBeyondViewport": True, "clip": clip}
        return base64.b64decode(self.driver.execute_cdp_cmd("Page.captureScreenshot", options)["data"])
