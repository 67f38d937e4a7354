"""The tables of the status page against /status.json."""

from selenium.webdriver.common.by import By

from screen import ERROR


def table_rows(browser, section, nested=""):
    """The rows of the table of a section: {name of the column: text}."""
    return browser.execute_script(
        f"""
const table = document.querySelector("section[aria-labelledby={section}] {nested} table");
const names = [...table.tHead.rows[0].cells].map((c) => c.textContent);
return [...table.tBodies[0].rows].map((row) =>
  Object.fromEntries([...row.cells].map((c, i) => [names[i], c.textContent])));
"""
    )


def number(text):
    """A count as the page writes it."""
    return int(text.replace(",", ""))


def shown_time(at):
    """A time of the JSON as the page writes it."""
    return at[:19].replace("T", " ") if at else "never"


def compare(browser, status):
    """The page and the JSON show the same."""
    assert browser.find_element(By.CSS_SELECTOR, "#state b").text == status["state"] == "1 of 2 sites failing"
    for row, site in zip(table_rows(browser, "sites"), status["sites"], strict=True):
        assert row["Site"] == (site["name"] or site["site_id"]) and row["State"] == site["state"], (row, site)
        assert row["Synced through"] == shown_time(site["synced_through"]), (row, site)
        assert row["Last success"] == shown_time(site["last_success_at"]), (row, site)
        assert number(row["Rejected"]) == site["rejected"], (row, site)
        assert (site["last_error"] or "") in row["Last error"], (row, site)
        hours = f"{sum(site['engagements_by_hour']):,} engagements in 24 hours"
        assert row["Engagements, 24 h"].startswith(hours), (row, site)
    tiles = browser.find_elements(By.CSS_SELECTOR, ".tile")
    for i, (tile, site) in enumerate(zip(tiles, status["sites"], strict=True)):
        days = table_rows(browser, "volume", f".tile:nth-of-type({i + 1})")
        assert [(d["Day"], number(d["Engagements"])) for d in days] == [
            (d["day"], d["engagements"]) for d in site["volume_days"]
        ], (days, site)
        assert len(days) == 14, days
        expected = [d["expected"] for d in site["volume_days"]]
        assert [None if d["Expected"] == "–" else number(d["Expected"]) for d in days] == expected, (days, site)
        assert (expected[0] is not None) == (i == 0), expected
        total = sum(d["engagements"] for d in site["volume_days"])
        assert tile.find_element(By.TAG_NAME, "p").text.startswith(f"{total:,} engagements"), (tile.text, total)
    figures = [number(d.text) for d in browser.find_elements(By.CSS_SELECTOR, "dl.figures dd")]
    queue = status["detail_queue"]
    assert figures == [queue["waiting"], queue["parked"], status["rejected"]], (figures, status)
    for row, enricher in zip(table_rows(browser, "work"), status["enrichers"], strict=True):
        assert (row["Fetches"], number(row["Waiting"])) == (enricher["kind"], enricher["waiting"])
        assert number(row["Failed before"]) == enricher["failing"]
        assert row["Last success"] == shown_time(enricher["last_success_at"])
    for row, site in zip(table_rows(browser, "verification"), status["sites"], strict=True):
        newest = site["newest_verification"]
        assert row["Verified through"] == shown_time(site["verified_through"]), (row, site)
        assert number(row["No longer at the source"]) == site["missing"]
        assert row["Newest day compared"] == (newest["day"] if newest else "–")
        if newest:
            left = newest["missing"] + newest["different"] + newest["gone"] - newest["repaired"]
            assert number(row["Differences left"]) == left == 5, (row, newest)
            assert number(row["Listed"]) == newest["listed"] == 1300, (row, newest)
    for section, ended in (("failures", status["failed_runs"]), ("runs", status["runs"])):
        rows = table_rows(browser, section)
        assert len(rows) == len(ended) >= 2, (section, rows, ended)
        for row, run in zip(rows, ended):
            assert row["Ended"] == shown_time(run["finished_at"]), (row, run)
            assert (run["error"] or "done") in row["Result"], (row, run)
            assert number(row["Engagements"]) == run["engagements"], (row, run)
    assert {run["error"] for run in status["failed_runs"]} >= {ERROR, "HTTP 503"}
    (backfill,) = status["backfills"]
    (row,) = table_rows(browser, "backfills")
    assert row["Windows"] == f"{backfill['windows_done']} of {backfill['windows_total']}" == "11 of 31"
    assert {(r["Reads"], r["State"]) for r in table_rows(browser, "streams")} == {
        ("operators", "in order"),
        ("queues", "refused by the API"),
    }
    assert [r["Member"] for r in table_rows(browser, "undocumented")] == [
        m["path"] for m in status["undocumented_members"]
    ]
