#!/usr/bin/env python3
"""The layers of daemon/ and sinks/ (DESIGN.md §4, ARCHITECTURE.md), read from the #include lines.

layers_test.py [TOP]     prints `ok NAME` or `FAILED NAME: why` for each rule. Runs nothing of the program.
"""

import os
import re
import sys

TOP = sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

# What the files of a folder may include, beside their own folder. `main` is daemon/main.cpp.
BELOW = {"base": [], "config": ["base"], "parse": ["config", "base"], "api": ["parse", "config", "base"]}
BELOW["sync"] = ["api", *BELOW["api"]]
BELOW["admin"] = ["sync", *BELOW["sync"]]
BELOW["cli"] = ["admin", *BELOW["admin"]]
BELOW["main"] = ["cli", *BELOW["cli"]]
# Headers that may include parts of Asio and Beast, and which parts: to declare coroutines, and to write an HTTP message
# as bytes.
ASIO_IN_HEADERS = {
    "daemon/base/runtime.hpp": {"boost/asio/awaitable.hpp", "boost/asio/io_context.hpp"},
    "daemon/base/http_bytes.hpp": {
        "boost/beast/core/buffer_traits.hpp",
        "boost/beast/core/buffers_to_string.hpp",
        "boost/beast/http/message.hpp",
        "boost/beast/http/serializer.hpp",
    },
}


def includes(path):
    """What a file includes."""
    with open(f"{TOP}/{path}") as f:
        return re.findall(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]', f.read(), re.M)


FILES = {
    os.path.relpath(f"{folder}/{name}", TOP): None
    for top in ("daemon", "sinks")
    for folder, _, names in os.walk(f"{TOP}/{top}")
    for name in names
    if name.endswith((".cpp", ".hpp"))
}
FILES = {path: includes(path) for path in sorted(FILES)}


def layer(path):
    """The folder inside daemon/; `sinks` for all of sinks/."""
    parts = path.split("/")
    return "sinks" if parts[0] == "sinks" else parts[1] if len(parts) > 2 else "main"


def ours(included):
    """Whether it is a file of this project."""
    return included.startswith(("daemon/", "sinks/"))


def upward():
    """Includes of a layer that is not below."""
    for path, included in FILES.items():
        for target in filter(ours, included):
            here, there = layer(path), layer(target)
            if here == "sinks":
                if there != "sinks":
                    yield f"{path} includes {target}: sinks/ knows nothing of daemon/"
            elif there not in ("sinks", here, *BELOW[here]):
                yield f"{path} includes {target}: {there} is not below {here}"


def unknown_folders():
    """Folders that are no layer."""
    for path in FILES:
        if path.startswith("daemon/") and layer(path) not in BELOW:
            yield f"{path}: the folder is no layer; add it to BELOW and to ARCHITECTURE.md"


def cycles():
    """Cycles of includes, each as a path back to its start. A header and its source are one unit."""

    def unit(path):
        return path.rsplit(".", 1)[0]

    arrows = {}
    for path, included in FILES.items():
        arrows.setdefault(unit(path), set()).update(
            unit(target) for target in filter(ours, included) if unit(target) != unit(path)
        )
    done, trail = set(), []

    def walk(here):
        if here in trail:
            ring = trail[trail.index(here) :]
            yield " → ".join([*ring, here])
        elif here not in done:
            trail.append(here)
            for target in sorted(arrows.get(here, ())):
                yield from walk(target)
            trail.pop()
            done.add(here)

    for start in sorted(arrows):
        yield from walk(start)


def asio_in_headers():
    """Headers that include more of Asio or Beast than they may."""
    for path, included in FILES.items():
        if not path.endswith(".hpp"):
            continue
        for target in included:
            if target.startswith(("boost/asio", "boost/beast")) and target not in ASIO_IN_HEADERS.get(path, ()):
                yield f"{path} includes <{target}>: Asio and Beast stay in the sources"


def no_more_than_it_needs():
    """A rule that found nothing to check would pass for ever."""
    seen = {layer(path) for path in FILES}
    yield from (f"no file in {name}" for name in [*BELOW, "sinks"] if name not in seen)
    if sum(map(len, FILES.values())) < 500:
        yield "fewer than 500 includes were read"


failed = False
for name, rule in [
    ("EveryFolderIsALayer", unknown_folders),
    ("NoIncludePointsUp", upward),
    ("NoCycles", cycles),
    ("NoAsioInHeaders", asio_in_headers),
    ("EveryLayerWasRead", no_more_than_it_needs),
]:
    found = list(dict.fromkeys(rule()))
    failed = failed or bool(found)
    print(f"ok unit/Layers.{name}" if not found else f"FAILED unit/Layers.{name}: " + "; ".join(found))
sys.exit(1 if failed else 0)
