"""The page in a real browser: clicks train a network, and everyone can use it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.playground.client import served

pytest.importorskip("selenium", reason="needs the extra [test]: selenium")
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select

from tests.playground.browser import CHROMIUM, DRIVER, Browser, started

pytestmark = pytest.mark.skipif(
    CHROMIUM is None or DRIVER is None,
    reason="needs a browser: Debian's chromium and chromium-driver, or Chrome with chromedriver",
)


@pytest.fixture(scope="module")
def driver() -> Iterator[Any]:
    found = started()
    yield found
    found.quit()


@pytest.fixture(scope="module")
def server() -> Iterator[Any]:
    with served() as found:
        yield found


@pytest.fixture
def browser(driver: Any, server: Any) -> Iterator[Browser]:
    """A browser whose console has no message at the end."""
    driver.get_log("browser")
    yield Browser(driver, server.url)
    messages = driver.get_log("browser")
    assert not messages, messages


def test_a_click_trains_a_network(browser: Browser) -> None:
    browser.open()
    assert browser.number("steps") == 0
    browser.find("run").click()
    browser.wait(lambda: browser.number("test-accuracy") > 97)
    assert browser.text("run") == "Pause"
    assert browser.number("steps") > 0
    browser.find("run").click()
    browser.wait(lambda: browser.text("run") == "Run")
    steps = browser.number("steps")
    assert browser.text("verdict") == "healthy"
    browser.find("epoch").click()
    browser.wait(lambda: browser.number("steps") == steps + 16)
    assert "points are right" in browser.find("surface").get_attribute("aria-label")
    assert "Loss after" in browser.find("curve").find_element(By.TAG_NAME, "svg").get_attribute("aria-label")
    browser.find("again").click()
    browser.wait(lambda: browser.number("steps") == 0)


def test_a_link_shows_an_illness_and_a_button_heals_it(browser: Browser) -> None:
    browser.open("?preset=vanishing", theme="dark")
    assert browser.text("verdict") == "vanishing gradients"
    assert "Thirty layers" in browser.text("lesson-text")
    browser.find("heal").click()
    browser.wait(lambda: browser.number("test-accuracy") > 97)
    browser.wait(lambda: browser.text("verdict") == "healthy")
    assert browser.find("set-residual").is_selected()
    assert "residual=true" in browser.driver.current_url
    settings = browser.driver.current_url.partition("?")[2]
    browser.open(f"?{settings}")
    assert browser.find("set-residual").is_selected(), "the address has the settings"
    assert browser.find("set-layers").get_attribute("value") == "30"


def test_settings_begin_another_network(browser: Browser) -> None:
    browser.open()
    browser.find("run").click()
    browser.wait(lambda: browser.number("steps") > 0)
    browser.fill("layers", "3")
    browser.fill("widths", "7, 6, 5")
    Select(browser.find("set-data")).select_by_value("blobs")
    browser.script("document.getElementById('code').open = true")
    browser.wait(lambda: "nn.Dense(7, 6" in browser.text("program") and "'blobs'" in browser.text("program"))
    browser.wait(lambda: browser.number("steps") > 0)
    assert browser.find("set-momentum").get_attribute("disabled")
    Select(browser.find("set-optimizer")).select_by_value("sgd")
    assert not browser.find("set-momentum").get_attribute("disabled")


def test_wrong_settings_are_marked_and_stop_nothing(browser: Browser) -> None:
    browser.open()
    browser.find("run").click()
    for name, value, words in (
        ("lr", "-1", "greater than or equal to 0"),
        ("widths", "many", "expected numbers such as 32, 16, 8"),
        ("lr", "", "fill out this field"),
    ):
        browser.fill(name, value)
        browser.wait(lambda words=words: words in browser.text("message"))
        assert browser.find(f"set-{name}").get_attribute("aria-invalid") == "true"
        assert words in browser.text(f"set-{name}-error")
        steps = browser.number("steps")
        browser.wait(lambda steps=steps: browser.number("steps") > steps)
        browser.fill(name, "0.1" if name == "lr" else "8")
        browser.wait(lambda: not browser.find("message").is_displayed())
        assert browser.find(f"set-{name}").get_attribute("aria-invalid") is None


@pytest.mark.parametrize("query", ["?preset=cats", "?depth=3"])
def test_an_address_of_another_page_is_told_so(browser: Browser, query: str) -> None:
    browser.open(query)
    assert "settings that this page does not have" in browser.text("lesson-text")
    assert browser.find("set-layers").get_attribute("value") == "2"


@pytest.mark.parametrize("name", ["data", "lr", "widths"])
def test_wrong_values_of_an_address_are_marked(browser: Browser, name: str) -> None:
    browser.driver.get(f"{browser.url}?{name}=cats")
    browser.wait(lambda: browser.text(f"set-{name}-error"))


def test_an_error_of_the_server_is_marked(browser: Browser) -> None:
    browser.open()
    browser.find("run").click()
    browser.fill("widths", "300")
    browser.wait(lambda: "expected an integer from 1 to 256, got 300" in browser.text("set-widths-error"))
    steps = browser.number("steps")
    browser.wait(lambda: browser.number("steps") > steps)
    (message,) = browser.driver.get_log("browser")
    assert "400" in message["message"], "the browser itself logs that answer"


@pytest.mark.parametrize("key", [Keys.ENTER, Keys.SPACE])
def test_the_keyboard_is_enough(browser: Browser, key: str) -> None:
    browser.open()
    seen = []
    for _ in range(60):
        browser.driver.switch_to.active_element.send_keys(Keys.TAB)
        seen.append(browser.script("return document.activeElement.id"))
        if seen[-1] == "run":
            break
    assert seen[-1] == "run", seen
    browser.driver.switch_to.active_element.send_keys(key)
    browser.wait(lambda: browser.number("steps") > 0)


def test_everything_that_takes_the_focus_has_a_name(browser: Browser) -> None:
    browser.open("?preset=exploding")
    browser.script("for (const one of document.querySelectorAll('details')) one.open = true")
    nodes = browser.driver.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
    unnamed, named = [], 0
    for node in nodes:
        properties = {one["name"]: one["value"].get("value") for one in node.get("properties", [])}
        role = node.get("role", {}).get("value")
        if node.get("ignored") or role == "RootWebArea":
            continue
        if properties.get("focusable") or role in ("img", "image", "form", "table"):
            named += 1
            if not node.get("name", {}).get("value"):
                unnamed.append((role, node.get("backendDOMNodeId")))
    assert named > 30
    assert [one for one in unnamed if one[0] != "table"] == []


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [400, 1280])
def test_the_page_fits_its_window(browser: Browser, width: int, theme: str) -> None:
    browser.open("?preset=exploding", width, theme)
    browser.script("for (const one of document.querySelectorAll('details')) one.open = true")
    assert browser.script("return document.documentElement.scrollWidth <= innerWidth")
    outside = browser.script(
        "return [...document.querySelectorAll('main *')]"
        ".filter((one) => !one.closest('svg, .scroll, pre, .unseen'))"
        ".filter((one) => one.getBoundingClientRect().right > innerWidth + 1)"
        ".map((one) => one.outerHTML.slice(0, 80))"
    )
    assert not outside
    dark = browser.script("return getComputedStyle(document.body).backgroundColor") == "rgb(17, 21, 27)"
    assert dark == (theme == "dark")


def test_the_page_says_when_the_playground_has_ended(driver: Any) -> None:
    with served() as server:
        browser = Browser(driver, server.url)
        browser.open()
        browser.find("run").click()
        browser.wait(lambda: browser.number("steps") > 0)
    browser.wait(lambda: browser.text("run") == "Run")
    assert browser.text("message").startswith(("the playground has ended", "The playground does not answer"))
    driver.get_log("browser")


def test_tabs_train_apart_and_end_when_they_are_closed(browser: Browser, server: Any) -> None:
    driver = browser.driver
    browser.open()
    first, before = driver.current_window_handle, len(server.sessions)
    driver.switch_to.new_window("tab")
    browser.open("?preset=spirals")
    browser.find("run").click()
    browser.wait(lambda: browser.number("steps") > 0)
    assert len(server.sessions) == before + 1
    driver.close()
    driver.switch_to.window(first)
    browser.wait(lambda: len(server.sessions) == before)
    assert browser.number("steps") == 0
