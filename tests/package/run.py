#!/usr/bin/env python3
"""The Debian packages: what lintian says of them, what lies beside them, how they are installed, upgraded and purged.

run.py DIRECTORY     with what debian/rules made; prints `ok NAME` or `FAILED NAME` for each check. GLIA_DISPOSABLE=1:
                     the machine may be thrown away, so packages are installed on it; needs root then
"""

import glob
import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
WHERE = os.path.abspath(sys.argv[1])
work = tempfile.mkdtemp(prefix="glia-package-")
failed = 0


def good(*command, **options):
    finished = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, **options)
    assert (
        finished.returncode == 0
    ), f"{command}: exit code {finished.returncode}: {finished.stdout[-3000:]}{finished.stderr[-3000:]}"
    return finished.stdout


def only(pattern):
    found = glob.glob(f"{WHERE}/{pattern}")
    assert len(found) == 1, f"{pattern}: {found}"
    return found[0]


def lintian_finds_nothing():
    # Without --allow-root, lintian warns if root runs it.
    good("lintian", "--allow-root", "--fail-on", "error,warning", *sorted(glob.glob(WHERE + "/*.deb")))


def every_override_has_a_reason():
    for path in glob.glob(TOP + "/debian/*.lintian-overrides"):
        with open(path) as f:
            lines = f.read().splitlines()
        for before, line in zip(["", *lines], lines):
            assert line.startswith("#") or before.startswith("#"), f"{path}: {line}"


def symbols_are_in_a_package_of_their_own():
    good("dpkg-deb", "-x", only("glia-sync_*.deb"), work + "/program")
    identity = re.search(r"Build ID: ([0-9a-f]+)", good("readelf", "--notes", work + "/program/usr/bin/glia-sync"))[1]
    assert ".debug_info" not in good("readelf", "--sections", "--wide", work + "/program/usr/bin/glia-sync")
    assert f"/usr/lib/debug/.build-id/{identity[:2]}/{identity[2:]}.debug" in good(
        "dpkg-deb", "-c", only("glia-sync-dbgsym_*.deb")
    )


def the_bill_of_materials_names_what_the_program_is_made_of():
    with open(only("*.spdx.json")) as f:
        bill = json.load(f)
    assert bill["spdxVersion"] == "SPDX-2.3" and bill["documentNamespace"].startswith("https://")
    packages = {p["SPDXID"]: p for p in bill["packages"]}
    assert len(packages) == len(bill["packages"])
    for relation in bill["relationships"]:
        assert relation["relatedSpdxElement"] in packages, relation

    def named(kind):
        return {
            packages[r["relatedSpdxElement"]]["name"] for r in bill["relationships"] if r["relationshipType"] == kind
        }

    assert named("DESCRIBES") == {"glia-sync", "glia-sync-simulator"}
    for library in ("libpqxx", "libspdlog", "libssl3", "libsystemd0", "libyaml-cpp"):
        assert any(n.startswith(library) for n in named("DEPENDS_ON")), f"{library}: {named('DEPENDS_ON')}"
    for headers in ("libboost1.8", "libcli11-dev", "libpqxx-dev"):
        assert any(n.startswith(headers) for n in named("STATIC_LINK")), f"{headers}: {named('STATIC_LINK')}"
    for package in ("glia-sync", "glia-sync-simulator"):
        with open(only(package + "_*.deb"), "rb") as f:
            assert (
                packages["SPDXRef-" + package]["checksums"][0]["checksumValue"] == hashlib.sha256(f.read()).hexdigest()
            )


def apt(*arguments):
    return good(
        "apt-get",
        "-y",
        "-qq",
        "--no-install-recommends",
        "-o",
        "Dpkg::Options::=--force-confold",
        *arguments,
        env=dict(os.environ, DEBIAN_FRONTEND="noninteractive"),
    )


def older(package):
    """The same package with a lower version, because there is no archive of releases."""
    folder = work + "/older"
    subprocess.run(["rm", "-rf", folder])
    good("dpkg-deb", "-R", only(package + "_*.deb"), folder)
    good("sed", "-i", "s/^Version: .*/Version: 0.0.1/", folder + "/DEBIAN/control")
    good("dpkg-deb", "-b", folder, f"{work}/{package}_0.0.1.deb")
    return f"{work}/{package}_0.0.1.deb"


def it_installs():
    apt("install", older("glia-sync"))
    assert good("stat", "-c", "%U %a", "/etc/glia-sync/token", "/etc/glia-sync/dsn") == "root 600\nroot 600\n"
    assert "/etc/glia-sync/glia-sync.yaml" in good("dpkg-query", "-W", "-f", "${Conffiles}", "glia-sync")
    good("id", "-u", "glia-sync")


def an_upgrade_keeps_the_configuration():
    for name, text in (("glia-sync.yaml", "# mine\n"), ("token", "secret\n")):
        with open("/etc/glia-sync/" + name, "w") as f:
            f.write(text)
    apt("install", only("glia-sync_*.deb"), only("glia-sync-simulator_*.deb"))
    assert (
        good("dpkg-query", "-W", "-f", "${Status} ${Version}", "glia-sync")
        == "install ok installed " + good("dpkg-deb", "-f", only("glia-sync_*.deb"), "Version").strip()
    )
    for name, text in (("glia-sync.yaml", "# mine\n"), ("token", "secret\n")):
        with open("/etc/glia-sync/" + name) as f:
            assert f.read() == text, name
    assert good("stat", "-c", "%U %a", "/etc/glia-sync/token") == "root 600\n"


def what_is_installed_syncs_from_the_simulator():
    """debian/tests, as autopkgtest runs it."""
    assert "2000 engagements, as the source has them" in good(TOP + "/debian/tests/sync")


def it_goes_without_a_trace():
    apt("remove", "glia-sync", "glia-sync-simulator")
    assert not os.path.exists("/usr/bin/glia-sync") and os.path.exists(
        "/etc/glia-sync/token"
    ), "remove keeps the configuration"
    apt("purge", "glia-sync", "glia-sync-simulator")
    left = [
        path
        for path in (
            "/etc/glia-sync",
            "/usr/share/glia-sync",
            "/usr/share/doc/glia-sync",
            "/var/lib/systemd/deb-systemd-helper-enabled/glia-sync.service.dsh-also",
        )
        if os.path.exists(path)
    ]
    assert not left, left


checks = [
    lintian_finds_nothing,
    every_override_has_a_reason,
    symbols_are_in_a_package_of_their_own,
    the_bill_of_materials_names_what_the_program_is_made_of,
]
if os.environ.get("GLIA_DISPOSABLE") == "1" and os.getuid() == 0:
    checks += [
        it_installs,
        an_upgrade_keeps_the_configuration,
        what_is_installed_syncs_from_the_simulator,
        it_goes_without_a_trace,
    ]
else:
    print("   installs nothing: that needs root and GLIA_DISPOSABLE=1, on a machine that may be thrown away")
for check in checks:
    try:
        check()
        print(f"ok package/{check.__name__}", flush=True)
    except AssertionError as error:
        failed += 1
        print(f"FAILED package/{check.__name__}: {error}", flush=True)
subprocess.run(["rm", "-rf", work])
sys.exit(1 if failed else 0)
