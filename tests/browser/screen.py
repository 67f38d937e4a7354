"""The status page in headless Chromium: a service to show, the browser, and what the browser saw."""

import contextlib
import json

from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from harness import new_world
from monitoring_test import address, fetch, metrics
from world import eventually


def time_shown(browser):
    """The time of the state that the page shows."""
    return browser.find_element(By.CSS_SELECTOR, "#state time").get_attribute("datetime")


def is_stale(browser):
    """Whether the page says that it could not be renewed."""
    return browser.find_element(By.ID, "stale").text != ""


@contextlib.contextmanager
def browser_at(listen, script=True, dark=False, width=None):
    """A browser that shows the page. `width`: of its screen, in CSS pixels."""
    options = webdriver.ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    for flag in (
        "headless=new",
        "no-sandbox",
        "disable-gpu",
        "disable-quic",
        "no-first-run",
        "disable-background-networking",
        "disable-component-update",
        "disable-sync",
        "disable-dev-shm-usage",
    ):
        options.add_argument("--" + flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    browser = webdriver.Chrome(service=Service("/usr/bin/chromedriver"), options=options)
    try:
        show(browser, dark, width)
        if not script:
            browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
        browser.get(f"http://{listen}/")
        yield browser
    finally:
        browser.quit()


def show(browser, dark, width=None):
    """Sets the preferred colour scheme and, if given, the width of the screen."""
    browser.execute_cdp_cmd(
        "Emulation.setEmulatedMedia",
        {"features": [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]},
    )
    if width:
        browser.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 600},
        )


def open_page(listen, script=True, dark=False, until=None):
    """Opens the page and waits until `until(browser)` holds, or with until="renewed" until the page shows a later time
    than at first. Returns what a person sees and what the browser did."""
    with browser_at(listen, script, dark) as browser:
        page = {"first": time_shown(browser)}
        if until == "renewed":

            def until(shown):
                return time_shown(shown) != page["first"]

        if until:
            # If the page reloads itself, an element that was found may be gone when its text is read.
            WebDriverWait(browser, 30, ignored_exceptions=[StaleElementReferenceException]).until(until)
        page["figures"] = {
            f.get_attribute("data-metric"): (f.get_attribute("data-value"), f.text)
            for f in browser.find_elements(By.CSS_SELECTOR, "[data-metric]")
        }
        page["last"] = time_shown(browser)
        for name in ("state", "stale"):
            page[name] = browser.find_element(By.ID, name).text
        spark = browser.find_element(By.CSS_SELECTOR, "svg.spark")
        page["bars"] = len(spark.find_elements(By.TAG_NAME, "rect"))
        page["spark"] = spark.find_element(By.TAG_NAME, "title").get_attribute("textContent")
        page["runs"] = len(browser.find_elements(By.XPATH, "//section[h2='Recent runs']//tr")) - 1
        page["background"] = browser.find_element(By.TAG_NAME, "body").value_of_css_property("background-color")
        page["complaints"] = [entry["message"] for entry in browser.get_log("browser")]
        events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
        page["requests"] = [e["params"]["request"]["url"] for e in events if e["method"] == "Network.requestWillBeSent"]
        return page


@contextlib.contextmanager
def served(engagements=600, **options):
    """A service that has read everything and is idle: its address, the simulator, the program, its process."""
    listen = address()
    simulator, program = new_world(
        engagements, days=2, admin__listen=listen, sync__poll_every="5m", sync__revisit=[], **options
    )
    with program.service() as service:
        eventually(program.equals_source, 60)
        eventually(lambda: metrics(listen)['glia_sync_detail_queue_depth{state="waiting"}'] == 0, 30)
        eventually(lambda: program.passes() >= len(simulator.sites), what="the records of the first passes")
        yield listen, simulator, program, service


ERROR = "HTTP 500 for https://api.example.com/engagements?" + "x" * 300


def everything_happened(simulator, program):
    """Puts into the tables what every part of the page shows: names, ten weeks of volume, verifications, failures, an
    unfinished backfill, enrichers, members that are not documented."""
    first, second = simulator.sites
    program.sql(
        "INSERT INTO glia.sites (id, name, iana_time_zone, fetched_at, content_hash, first_seen_at, changed_at) "
        f"VALUES ('{first}', 'Bank of <Tallinn>', 'Europe/Tallinn', now(), '', now(), now())"
    )
    program.sql(
        "INSERT INTO glia.volume_hours SELECT s, date_trunc('hour', now(), 'UTC') - n * interval '1 hour', "
        f"40 + n % 24 FROM unnest(ARRAY['{first}', '{second}']) s, generate_series(1, 70 * 24) n "
        f"WHERE s = '{first}' OR n < 14 * 24 ON CONFLICT DO NOTHING"
    )
    program.sql(
        "INSERT INTO glia.verifications (range_from, range_to, site_id, day, listed, stored, missing, different, gone, "
        f"repaired, legs_read) VALUES (now(), now(), '{first}', '2024-05-06', 1234, 1234, 0, 0, 0, 0, 0), "
        f"(now(), now(), '{first}', '2024-05-07', 1300, 1298, 2, 3, 1, 1, 0)"
    )
    program.sql(
        "INSERT INTO glia.enrichers (kind, last_success_at, last_error, last_error_at) VALUES "
        f"('transcript', now(), NULL, NULL), ('recording', now() - interval '1 day', '{ERROR}', now())"
    )
    program.sql(
        f"INSERT INTO glia.sync_runs (mode, site_id, error, times) VALUES ('incremental', '{first}', '{ERROR}', 1234), "
        f"('revisit', '{second}', 'HTTP 503', 1)"
    )
    program.sql(
        f"UPDATE glia.sync_state SET last_error = '{ERROR}', last_error_at = now() + interval '1 hour' "
        f"WHERE site_id = '{second}'"
    )
    program.sql(
        "INSERT INTO glia.sync_state (stream, site_id, last_success_at, refusal) "
        f"VALUES ('operators', '{first}', now(), NULL), ('queues', '{first}', NULL, 'HTTP 403')"
    )
    program.sql(
        "INSERT INTO glia.backfills (window_from, window_to, to_is_open, window_seconds, sites) "
        f"VALUES ('2024-01-01', '2024-02-01', false, 86400, ARRAY['{first}'])"
    )
    program.sql(
        f"INSERT INTO glia.backfill_windows (backfill_id, site_id, window_from, window_to, done, engagements) "
        f"SELECT b.id, '{first}', now() - n * interval '1 day', now(), n < 12, 34567 "
        "FROM glia.backfills b, generate_series(1, 31) n"
    )
    program.sql(
        "INSERT INTO glia.undocumented_members (path, kind, first_seen_at, last_seen_at, times_seen) "
        f"VALUES ('engagement.{'member' * 12}', 'unknown', now(), now(), 7)"
    )


@contextlib.contextmanager
def full_page(**options):
    """A browser that shows a page with something in all of its parts, the address, the simulator and the program."""
    with served(300, directory__enabled=False, **options) as (listen, simulator, program, _):
        everything_happened(simulator, program)
        eventually(lambda: status_json(listen)["undocumented_members"], 30, "the new state")
        eventually(lambda: status_json(listen)["sites"][0]["volume_days"], 90, "the volume")
        with browser_at(listen, dark=False) as browser:
            yield browser, listen, simulator, program


def status_json(listen):
    """What /status.json says."""
    status, body, headers = fetch(listen, "/status.json")
    assert status == 200 and headers["Content-Type"] == "application/json", (status, headers)
    return json.loads(body)
