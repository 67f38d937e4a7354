#!/usr/bin/env python3
"""Makes the picture of the status page that the README shows, of the built service after ten weeks of the simulated
contact centre.   picture.py FILE.png"""

import base64
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE) + "/e2e")

from harness import expect_success, new_world
from monitoring_test import address, responds
from screen import browser_at, status_json
from world import eventually

WIDTH = 1280


def main(path):
    """Writes the picture."""
    listen = address()
    simulator, program = new_world(
        14000,
        days=70,
        admin__listen=listen,
        sync__poll_every="5s",
        directory__enabled=True,
        enrich__transcripts={"enabled": True},
    )
    expect_success(program.backfill(timeout=300))
    expect_success(program.run("verify", "--from", simulator.start, "--to", simulator.end, timeout=300))
    with program.service():
        eventually(lambda: responds(listen), 60, "the address")
        eventually(lambda: status_json(listen)["sites"][0].get("name"), 60, "the names")
        eventually(lambda: status_json(listen)["sites"][0]["volume_days"], 90, "the volume")
        eventually(lambda: all(site["state"] == "in order" for site in status_json(listen)["sites"]), 120, "the passes")
        with browser_at(listen, width=WIDTH) as browser:
            # As far as the failed runs.
            height = browser.execute_script(
                "return [...document.querySelectorAll('section')].find(s => s.innerText.startsWith('Failed runs'))"
                ".getBoundingClientRect().bottom + scrollY + 20"
            )
            picture = browser.execute_cdp_cmd(
                "Page.captureScreenshot",
                {
                    "format": "png",
                    "captureBeyondViewport": True,
                    "clip": {"x": 0, "y": 0, "width": WIDTH, "height": height, "scale": 1},
                },
            )
    with open(path, "wb") as file:
        file.write(base64.b64decode(picture["data"]))


if __name__ == "__main__":
    main(sys.argv[1])
