#!/usr/bin/env python3
"""The status page in headless Chromium, of the built service.   run.py [PART OF A NAME]"""
import os, sys
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE) + "/e2e")
from harness import *
from monitoring_test import address, answers, metrics
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By

TESTS.clear()


def look(listen, script=True, dark=False, watch=0):
    """Opens the page, watches it for so many seconds, and tells what a person sees and what the browser did."""
    options = webdriver.ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    for flag in ("headless=new", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run", "disable-background-networking", "disable-component-update", "disable-sync", "disable-dev-shm-usage"):
        options.add_argument("--" + flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    browser = webdriver.Chrome(service=Service("/usr/bin/chromedriver"), options=options)
    try:
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]})
        if not script: browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
        browser.get(f"http://{listen}/")
        time_shown = lambda: browser.find_element(By.CSS_SELECTOR, "#state time").get_attribute("datetime")
        page = {"first": time_shown()}
        time.sleep(watch)
        page["figures"] = {f.get_attribute("data-metric"): (f.get_attribute("data-value"), f.text) for f in browser.find_elements(By.CSS_SELECTOR, "[data-metric]")}
        page["last"] = time_shown()
        for name in ("state", "stale"): page[name] = browser.find_element(By.ID, name).text
        spark = browser.find_element(By.CSS_SELECTOR, "svg.spark")
        page["bars"] = len(spark.find_elements(By.TAG_NAME, "rect"))
        page["spark"] = spark.find_element(By.TAG_NAME, "title").get_attribute("textContent")
        page["runs"] = len(browser.find_elements(By.XPATH, "//section[h2='Recent runs']//tr")) - 1
        page["background"] = browser.find_element(By.TAG_NAME, "body").value_of_css_property("background-color")
        page["complaints"] = [entry["message"] for entry in browser.get_log("browser")]
        events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
        page["requests"] = [e["params"]["request"]["url"] for e in events if e["method"] == "Network.requestWillBeSent"]
        return page
    finally: browser.quit()


@contextlib.contextmanager
def served(engagements=600, **options):
    listen = address()
    simulator, program = world(engagements, days=2, admin__listen=listen, sync__poll_every="5m", sync__revisit=[], **options)
    with program.service() as service:
        eventually(program.equal, 60)
        eventually(lambda: metrics(listen)['glia_sync_detail_queue_depth{state="waiting"}'] == 0, 30)
        time.sleep(2.5)  # what was asked of the database a moment ago is no longer fresh
        yield listen, simulator, program, service


def same_figures(page, seen):
    assert len(page["figures"]) >= 3 + 4, page
    for name, (value, _) in page["figures"].items():
        slack = 30 if "lag" in name else 0.001
        assert abs(float(value) - seen[name]) < slack, f"{name}: the page says {value}, /metrics {seen[name]}"


@test
def the_figures_are_those_of_metrics():
    with served() as (listen, simulator, program, _):
        program.sql("INSERT INTO glia.detail_queue (engagement_id, created_at, wanted_after, next_attempt_at, parked) "
                    "SELECT 'x' || i, now(), now(), now() + interval '1 day', i > 1200 FROM generate_series(1, 1207) i")
        program.sql("INSERT INTO glia.enrichers (kind, last_success_at) VALUES ('transcript', now()); "
                    "INSERT INTO glia.enrichments (engagement_id, kind, item, created_at, wanted_after, next_attempt_at) "
                    "SELECT 'x' || i, 'transcript', '', now(), now(), now() + interval '1 day' FROM generate_series(1, 1003) i")
        time.sleep(2.5)
        page = look(listen)
        same_figures(page, metrics(listen))
        assert page["figures"]['glia_sync_detail_queue_depth{state="waiting"}'] == ("1200", "1,200"), page
        assert page["figures"]['glia_sync_detail_queue_depth{state="parked"}'] == ("7", "7"), page
        assert page["figures"]['glia_sync_enrichment_queue_depth{kind="transcript"}'] == ("1003", "1,003"), page
        assert page["state"].startswith("in order"), page
        assert page["bars"] == 24 and page["runs"] >= 2, page
        day = int(program.sql(f"SELECT count(*) FROM glia.engagements e JOIN glia.engagement_sites s ON s.engagement_id = e.id "
                              f"WHERE s.site_id = '{simulator.sites[0]}' AND e.created_at > now() - interval '24 hours'"))
        assert day > 50 and page["spark"].startswith(f"{day} engagements in 24 hours"), (day, page["spark"])


@test
def the_page_asks_for_nothing_outside_and_nothing_complains():
    with served() as (listen, *_):
        page = look(listen, watch=7)
        assert page["complaints"] == [] and page["stale"] == "", page
        assert set(page["requests"]) - {"data:,"} == {f"http://{listen}/"} and len(page["requests"]) >= 2, page["requests"]


@test
def the_page_renews_itself():
    with served() as (listen, simulator, program, _):
        program.sql("UPDATE glia.sync_state SET last_error = 'HTTP 500: something', last_error_at = now() + interval '1 hour'")
        page = look(listen, watch=7)
        assert page["last"] > page["first"], page
        assert page["state"].startswith("2 of 2 sites failing"), page


@test
def without_a_script_the_figures_are_there():
    with served() as (listen, *_):
        page = look(listen, script=False)
        same_figures(page, metrics(listen))
        # And it reloads itself.
        later = look(listen, script=False, watch=12)
        assert later["last"] > later["first"], later


@test
def light_and_dark_follow_the_viewer():
    with served(100) as (listen, *_):
        light, dark = (look(listen, dark=dark)["background"] for dark in (False, True))
        brightness = lambda colour: sum(int(n) for n in re.findall(r"\d+", colour)[:3])
        assert brightness(light) > 600 and brightness(dark) < 150, (light, dark)


@test
def a_service_that_goes_away_is_noticed():
    with served(100) as (listen, _, __, service):
        threading.Timer(5, lambda: service.send_signal(signal.SIGTERM)).start()
        page = look(listen, watch=16)
        assert "is the service running?" in page["stale"], page


if __name__ == "__main__":
    import run
    sys.exit(run.run_here("browser", sys.argv[1] if len(sys.argv) > 1 else ""))
