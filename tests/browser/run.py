#!/usr/bin/env python3
"""The status page in headless Chromium, of the built service.   run.py [PART OF A NAME]"""

import os
import re
import signal
import sys
import threading

from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE) + "/e2e")

from comparison import compare
from harness import TESTS, test
from monitoring_test import metrics
from screen import full_page, is_stale, open_page, served, show, status_json, time_shown
from world import eventually

TESTS.clear()

with open(HERE + "/checks.js") as file:
    CHECKS = file.read()


def same_figures(page, seen):
    """The page shows what /metrics says."""
    assert len(page["figures"]) >= 3 + 4, page
    for name, (value, _) in page["figures"].items():
        slack = 30 if "lag" in name else 0.001
        assert abs(float(value) - seen[name]) < slack, f"{name}: the page says {value}, /metrics {seen[name]}"


@test
def the_figures_are_those_of_metrics():
    with served() as (listen, simulator, program, _):
        program.sql(
            "INSERT INTO glia.detail_queue (engagement_id, created_at, wanted_after, next_attempt_at, parked) "
            "SELECT 'x' || i, now(), now(), now() + interval '1 day', i > 1200 FROM generate_series(1, 1207) i"
        )
        program.sql(
            "INSERT INTO glia.enrichers (kind, last_success_at) VALUES ('transcript', now()); "
            "INSERT INTO glia.enrichments (engagement_id, kind, item, created_at, wanted_after, next_attempt_at) "
            "SELECT 'x' || i, 'transcript', '', now(), now(), now() + interval '1 day' FROM generate_series(1, 1003) i"
        )
        eventually(
            lambda: metrics(listen)['glia_sync_detail_queue_depth{state="waiting"}'] == 1200
            and metrics(listen).get('glia_sync_enrichment_queue_depth{kind="transcript"}') == 1003,
            what="the new depths in /metrics",
        )
        page = open_page(listen)
        same_figures(page, metrics(listen))
        assert page["figures"]['glia_sync_detail_queue_depth{state="waiting"}'] == ("1200", "1,200"), page
        assert page["figures"]['glia_sync_detail_queue_depth{state="parked"}'] == ("7", "7"), page
        assert page["figures"]['glia_sync_enrichment_queue_depth{kind="transcript"}'] == ("1003", "1,003"), page
        assert page["state"].startswith("in order"), page
        assert page["bars"] == 24 and page["runs"] >= 2, page
        day = int(
            program.sql(
                f"SELECT count(*) FROM glia.engagements e JOIN glia.engagement_sites s ON s.engagement_id = e.id "
                f"WHERE s.site_id = '{simulator.sites[0]}' AND e.created_at > now() - interval '24 hours'"
            )
        )
        assert day > 50 and page["spark"].startswith(f"{day} engagements in 24 hours"), (day, page["spark"])


@test
def the_page_asks_for_nothing_outside_and_nothing_complains():
    with served() as (listen, *_):
        page = open_page(listen, until="renewed")
        assert page["complaints"] == [] and page["stale"] == "", page
        assert set(page["requests"]) - {"data:,"} == {f"http://{listen}/"} and len(page["requests"]) >= 2, page[
            "requests"
        ]


@test
def the_page_renews_itself():
    with served() as (listen, simulator, program, _):
        program.sql(
            "UPDATE glia.sync_state SET last_error = 'HTTP 500: something', last_error_at = now() + interval '1 hour'"
        )
        page = open_page(listen, until="renewed")
        assert page["last"] > page["first"], page
        assert page["state"].startswith("2 of 2 sites failing"), page


@test
def without_a_script_the_figures_are_there():
    with served() as (listen, *_):
        page = open_page(listen, script=False)
        same_figures(page, metrics(listen))
        # And it reloads itself.
        later = open_page(listen, script=False, until="renewed")
        assert later["last"] > later["first"], later


@test
def light_and_dark_follow_the_viewer():
    with served(100) as (listen, *_):
        light, dark = (open_page(listen, dark=dark)["background"] for dark in (False, True))

        def brightness(colour):
            return sum(int(n) for n in re.findall(r"\d+", colour)[:3])

        assert brightness(light) > 600 and brightness(dark) < 150, (light, dark)


@test
def a_service_that_goes_away_is_noticed():
    with served(100) as (listen, _, __, service):
        threading.Timer(5, lambda: service.send_signal(signal.SIGTERM)).start()
        page = open_page(listen, until=is_stale)
        assert "is the service running?" in page["stale"], page


@test
def nothing_is_wider_than_the_screen_and_all_can_be_read_in_light_and_dark():
    with full_page() as (browser, *_):
        for dark in (False, True):
            for width in (360, 412, 768, 1024, 1152, 1153, 1280, 1920):
                show(browser, dark, width)
                for opened in (False, True):
                    browser.execute_script(
                        "document.querySelectorAll('details').forEach((d) => { d.open = arguments[0]; });", opened
                    )
                    across, wide = browser.execute_script(CHECKS + "return tooWide();")
                    assert across <= width and not wide, (width, across, wide)
            count, faint = browser.execute_script(CHECKS + "return tooFaint();")
            assert count > 300 and not faint, (dark, count, faint)


@test
def the_structure_tells_what_the_eye_sees():
    with full_page() as (browser, *_):
        wrong = browser.execute_script(CHECKS + "return wrongStructure();")
        assert not wrong, wrong
        titles = [h.text for h in browser.find_elements(By.TAG_NAME, "h2")]
        assert titles == [
            "Sites",
            "Volume of the last 14 days",
            "Work queues",
            "Verification",
            "Backfills",
            "Failed runs",
            "Recent runs",
            "Names and statistics",
            "Beyond the API's documentation",
        ], titles
        # The Tab key reaches the elements in the order of the page, and an outline shows the focus.
        reached = []
        for _ in range(4):
            browser.switch_to.active_element.send_keys(Keys.TAB)
            here = browser.switch_to.active_element
            assert here.value_of_css_property("outline-style") == "solid", here.get_attribute("outerHTML")
            reached.append((here.tag_name, here.text))
        assert [tag for tag, _ in reached] == ["summary", "summary", "a", "a"], reached


@test
def sites_are_called_by_their_names():
    with full_page() as (browser, listen, simulator, program):
        named, nameless = simulator.sites
        cells = browser.find_elements(By.CSS_SELECTOR, "section[aria-labelledby=sites] tbody th")
        assert [c.text for c in cells] == ["Bank of <Tallinn>", nameless], [c.text for c in cells]
        assert cells[0].find_element(By.TAG_NAME, "span").get_attribute("title") == named
        text = browser.find_element(By.TAG_NAME, "body").text
        assert named not in text, "the id stands in titles only"
        # A name that two sites share is shown with their ids.
        program.sql(
            "INSERT INTO glia.sites (id, name, fetched_at, content_hash, first_seen_at, changed_at) "
            f"VALUES ('{nameless}', 'Bank of <Tallinn>', now(), '', now(), now())"
        )
        eventually(lambda: status_json(listen)["sites"][1]["name"], 30, "the second name")
        browser.refresh()
        cells = browser.find_elements(By.CSS_SELECTOR, "section[aria-labelledby=sites] tbody th")
        assert [c.text for c in cells] == [f"Bank of <Tallinn> {i}" for i in simulator.sites], [c.text for c in cells]


@test
def what_is_open_and_in_focus_stays_so_when_the_page_renews_itself():
    with full_page() as (browser, *_):
        summary = browser.find_element(By.TAG_NAME, "summary")
        summary.send_keys(Keys.ENTER)
        began = time_shown(browser)
        WebDriverWait(browser, 30).until(lambda shown: time_shown(shown) != began)
        assert browser.find_element(By.TAG_NAME, "details").get_attribute("open")
        assert browser.switch_to.active_element == summary
        assert browser.get_log("browser") == []


@test
def the_json_has_what_the_page_shows():
    with full_page() as (browser, listen, simulator, program):
        # A poll or a count between the two requests changes only the later response: then both are sent again.
        def same():
            browser.refresh()
            try:
                compare(browser, status_json(listen))
            except AssertionError as error:
                same.why = error
                return False
            return True

        same.why = None
        try:
            eventually(same, 30)
        except AssertionError:
            raise same.why


if __name__ == "__main__":
    import run

    sys.exit(run.run_here("browser", sys.argv[1] if len(sys.argv) > 1 else ""))
