#!/usr/bin/env python3
"""What is installed beside the program: units, package, manual page, completion, alert rules. Starts nothing.

run.py PACKAGE.deb     prints `ok NAME` or `FAILED NAME` for each check
"""

import json
import os
import re
import subprocess
import sys
import tempfile

import hardening

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
GLIA = os.environ.get("GLIA_BUILD", TOP + "/build/release") + "/daemon/glia-sync"
PACKAGE = sys.argv[1]
UNITS = ["glia-sync.service", "glia-sync@.service", "glia-sync-backfill@.service", "glia-sync-verify.service"]
NOTIFY = "glia-sync-notify@.service"
QUADLET = "/usr/libexec/podman/quadlet"
work = tempfile.mkdtemp(prefix="glia-units-")
failed = 0


def run(*command, **options):
    """Runs a command to its end."""
    return subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, **options)


def good(*command, **options):
    """Runs a command that must succeed; returns what it prints."""
    finished = run(*command, **options)
    assert finished.returncode == 0, f"{command}: exit code {finished.returncode}: {finished.stdout}{finished.stderr}"
    return finished.stdout


def check(name, function, *arguments):
    """Runs a check and prints its line."""
    global failed
    try:
        function(*arguments)
        print(f"ok units/{name}")
    except AssertionError as error:
        failed += 1
        print(f"FAILED units/{name}: {error}")


def read(path):
    """A file of the sources."""
    with open(f"{TOP}/{path}") as f:
        return f.read()


def verifies(unit):
    """`systemd-analyze verify` accepts the unit. It gets the path of the built program, and x as the instance."""
    path = f"{work}/{unit.replace('@.', '@x.')}"
    with open(f"{work}/{NOTIFY}", "w") as f:
        f.write(read("systemd/" + NOTIFY).replace("Documentation=man:glia-sync(1)\n", ""))
    with open(path, "w") as f:
        f.write(
            read("systemd/" + unit).replace("/usr/bin/glia-sync", GLIA).replace("Documentation=man:glia-sync(1)\n", "")
        )
    finished = run("systemd-analyze", "verify", path)
    assert finished.returncode == 0 and not finished.stdout + finished.stderr, finished


def is_confined(unit):
    """systemd-analyze rates its exposure 1.5 at most."""
    finished = run(
        "systemd-analyze", "security", "--offline=true", "--no-pager", "--threshold=15", f"{TOP}/systemd/{unit}"
    )
    assert finished.returncode == 0, finished.stdout
    print("   " + finished.stdout.strip().splitlines()[-1])


def units_share_a_sandbox():
    sandboxes = {re.search(r"# Sandbox.*?UMask=0077\n", read("systemd/" + unit), re.S)[0] for unit in UNITS}
    assert len(sandboxes) == 1


def units_tell_of_their_failure():
    for unit in UNITS:
        assert "OnFailure=glia-sync-notify@%n.service\n" in read("systemd/" + unit), unit


def units_that_write_files_may_write_the_state_directory():
    for unit in UNITS:
        if unit != "glia-sync-verify.service":  # it writes to PostgreSQL alone
            assert "\nStateDirectory=glia-sync\nStateDirectoryMode=0700\n" in read("systemd/" + unit), unit


def units_that_fail_are_told_of_by_mail_and_webhook():
    """Runs the commands of the unit with stubs for mail, curl and journalctl."""
    lines = re.findall(r"^ExecStart=(-?)/bin/sh -c '(.*)'$", read("systemd/" + NOTIFY), re.M)
    assert len(lines) == 2
    may_fail = [prefix == "-" for prefix, _ in lines]
    # Replaces specifiers, dollars and backslashes as systemd does.
    lines = [
        entry.replace("%i", "glia-sync@x.service")
        .replace("%H", "host1")
        .replace("%%", "%")
        .replace("$$", "$")
        .replace("\\\\", "\\")
        for _, entry in lines
    ]
    stubs = work + "/stubs"
    os.makedirs(stubs)
    for name, body in (
        ("journalctl", "echo journal of $@"),
        ("mail", f"echo $@ >{work}/mail; cat >>{work}/mail"),
        ("curl", f'for a; do echo "$a"; done >{work}/curl; cat >>{work}/curl'),
    ):
        with open(f"{stubs}/{name}", "w") as f:
            f.write("#!/bin/sh\n" + body + "\n")
        os.chmod(f"{stubs}/{name}", 0o755)

    def notify(**to):
        """As systemd does: a command that fails ends the unit, unless its prefix is "-"."""
        for line, ignored in zip(lines, may_fail):
            finished = run("/bin/sh", "-c", line, env={"PATH": stubs + ":" + os.environ["PATH"], **to})
            assert finished.returncode == 0 or ignored, (line, finished)

    notify()
    assert not os.path.exists(work + "/mail") and not os.path.exists(work + "/curl")
    notify(NOTIFY_EMAIL="ops@example.com")
    assert open(work + "/mail").read() == (
        "-s glia-sync@x.service failed on host1 ops@example.com\n"
        "journal of --no-pager -o cat -n 20 -u glia-sync@x.service\n"
    ) and not os.path.exists(work + "/curl")
    notify(NOTIFY_WEBHOOK="https://hooks.example.com/secret")
    said = open(work + "/curl").read().splitlines()
    assert json.loads(said[said.index("-d") + 1]) == {
        "text": "glia-sync@x.service failed on host1: journalctl -u glia-sync@x.service"
    }, said
    assert said[-1] == 'url = "https://hooks.example.com/secret"' and sum("secret" in word for word in said) == 1, said
    os.remove(work + "/curl")
    with open(stubs + "/mail", "w") as f:
        f.write("#!/bin/sh\nexit 1\n")
    notify(NOTIFY_EMAIL="ops@example.com", NOTIFY_WEBHOOK="https://hooks.example.com/secret")
    assert os.path.exists(work + "/curl"), "a mail that fails does not keep the webhook from being called"


def the_package_holds_what_it_should():
    listed = good("dpkg-deb", "-c", PACKAGE)
    for path in [
        "usr/bin/glia-sync",
        "etc/glia-sync/glia-sync.yaml",
        "usr/share/man/man1/glia-sync.1.gz",
        "usr/lib/sysusers.d/glia-sync.conf",
        "usr/lib/tmpfiles.d/glia-sync.conf",
        "usr/share/bash-completion/completions/glia-sync",
        "usr/share/zsh/vendor-completions/_glia-sync",
        "usr/share/glia-sync/api.openapi.yaml",
        "usr/share/glia-sync/containers/glia-sync.container",
        "usr/share/glia-sync/postgres/roles.sql",
        "usr/share/glia-sync/prometheus/alerts.yml",
        "usr/share/glia-sync/grafana/glia-sync.json",
        "usr/share/glia-sync/grafana/provisioning/dashboards/glia-sync.yaml",
        "usr/share/glia-sync/grafana/provisioning/datasources/glia-sync.yaml",
        "usr/share/doc/glia-sync/copyright",
        "usr/share/doc/glia-sync/examples/glia-sync.yaml",
        *("lib/systemd/system/" + u for u in [*UNITS, NOTIFY]),
    ]:
        assert f"/{path}\n" in listed, f"{path} is missing"
    assert "usr/local" not in listed
    control = good("dpkg-deb", "-f", PACKAGE)
    version = re.search(r"glia-sync VERSION ([0-9.]+)", read("CMakeLists.txt"))[1]
    assert f"Version: {version}\n" in control and "libpqxx" in control and "libsystemd0" in control, control
    assert read("debian/changelog").startswith(f"glia-sync ({version})"), "debian/changelog is of another version"
    good("dpkg-deb", "-R", PACKAGE, work + "/package")
    assert good(work + "/package/usr/bin/glia-sync", "--version").strip() == f"glia-sync {version}"
    for script in ("postinst", "prerm", "postrm"):
        good("sh", "-n", f"{work}/package/DEBIAN/{script}")


def the_program_is_hardened():
    """Both the built program and the one in the package."""
    for program in (GLIA, work + "/package/usr/bin/glia-sync"):
        assert not hardening.missing(program), f"{program} lacks " + ", ".join(hardening.missing(program))


def the_configuration_of_the_package_says_what_is_missing():
    """A start with the file as installed names what to fill in."""
    finished = run(GLIA, "-c", TOP + "/config/glia-sync.minimal.yaml", "config", "check")
    assert finished.returncode == 0 and "its DSN is not checked" in finished.stdout, finished
    finished = run(
        GLIA, "-c", TOP + "/config/glia-sync.minimal.yaml", "status", env=dict(os.environ, CREDENTIALS_DIRECTORY=work)
    )
    assert finished.returncode == 78 and f"{work}/dsn: cannot be read" in finished.stderr, finished


def the_manual_page_is_clean():
    with open(os.path.dirname(GLIA) + "/glia-sync.1") as f:
        page = f.read()
    with open(work + "/glia-sync.1", "w") as f:
        f.write(page)
    finished = run(
        "man",
        "--warnings",
        "-E",
        "UTF-8",
        "-l",
        work + "/glia-sync.1",
        env=dict(os.environ, MANWIDTH="80", LANG="C.UTF-8"),
    )
    assert finished.returncode == 0 and not finished.stderr, finished.stderr
    commands = re.findall(r"^  ([a-z]+) ", good(GLIA, "--help").split("Subcommands:")[1], re.M)
    assert len(commands) >= 9, commands
    for command in commands:
        assert f'.SS "{command}:"\n' in page, f"{command} is not in the manual page"
        for option in re.findall(r"(--[a-z-]+)", good(GLIA, command, "--help")):
            assert option.replace("-", "\\-") in page, f"{command} {option} is not in the manual page"


def bash_completes():
    script = (
        f'. {TOP}/config/completion/glia-sync.bash; PATH={os.path.dirname(GLIA)}:$PATH; t() {{ COMP_WORDS=("$@"); '
        f'COMP_CWORD=$(($# - 1)); _glia_sync; echo "${{COMPREPLY[*]}}"; }}; '
    )
    for words, expected in [
        ("glia-sync re", "reset rejects"),
        ("glia-sync -c file che", "check"),
        ("glia-sync rejects ''", "--help list show retry --config"),
        ("glia-sync backfill --w", "--window"),
        ("glia-sync backfill --from 2024-01-01 --co", "--concurrency --config"),
        ("glia-sync run --", "--help --once --strict --config"),
    ]:
        got = good("bash", "-c", script + "t " + words).strip()
        assert got == expected, f"{words}: {got}"


def alert_rules_hold():
    for command in (
        ["check", "rules", TOP + "/config/prometheus/alerts.yml"],
        ["test", "rules", TOP + "/config/prometheus/alerts_test.yml"],
    ):
        print("   " + " ".join(good("promtool", *command, cwd=TOP + "/config/prometheus").split()))
    tested = set(re.findall(r"alertname: (\w+)", read("config/prometheus/alerts_test.yml")))
    assert tested == set(re.findall(r"alert: (\w+)", read("config/prometheus/alerts.yml"))), "every alert has its tests"


def every_alert_leads_to_its_paragraph():
    """The anchor of a heading is its text in lower case, with hyphens for spaces."""
    handbook = "file:///usr/share/doc/glia-sync/OPERATIONS.md"
    headings = re.findall(r"^#+ (.+)$", read("config/OPERATIONS.md"), re.M)
    anchors = [re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings]
    rules = re.split(r"- alert: ", read("config/prometheus/alerts.yml"))[1:]
    for rule in rules:
        alert, (url,) = rule.split()[0], re.findall(r"^ +runbook_url: (.+)$", rule, re.M)
        assert url == f"{handbook}#{alert.lower()}", (alert, url)
        assert anchors.count(alert.lower()) == 1, f"{alert} has no paragraph of its own"
    explained = {anchor for anchor in anchors if anchor.startswith("gliasync")}
    assert explained == {rule.split()[0].lower() for rule in rules}, explained
    # The package has the file where the links lead.
    assert f".{handbook.removeprefix('file://')}\n" in good("dpkg-deb", "-c", PACKAGE)


def dashboard_queries():
    """The queries of the dashboard for operations."""
    return [t["expr"] for p in json.loads(read("config/grafana/glia-sync.json"))["panels"] for t in p["targets"]]


def the_dashboard_asks_what_prometheus_understands():
    queries = [q.replace("$__rate_interval", "5m") for q in dashboard_queries()]
    assert len(queries) > 15
    with open(work + "/dashboard.yml", "w") as f:
        json.dump(
            {
                "groups": [
                    {"name": "dashboard", "rules": [{"record": f"q{i}", "expr": q} for i, q in enumerate(queries)]}
                ]
            },
            f,
        )
    good("promtool", "check", "rules", work + "/dashboard.yml")


def the_container_gets_what_the_service_gets():
    """The same program, configuration, secrets and answers to its exit codes, and no secret in its environment."""
    quadlet, service = read("systemd/glia-sync.container"), read("systemd/glia-sync.service")
    assert re.search(r"^ExecStart=/usr/bin/glia-sync (.*)$", service, re.M)[1] == "run"
    assert re.search(r"^Exec=(.*)$", quadlet, re.M)[1] == "run"
    assert 'ENTRYPOINT ["/usr/bin/glia-sync"]\n' in read("Containerfile")
    secrets = re.findall(r"^LoadCredential=([a-z-]+):", service, re.M)
    assert re.findall(r"^#?Secret=glia-sync-([a-z-]+),target=\1$", quadlet, re.M) == secrets
    assert re.findall(r"^Environment=(.*)$", quadlet, re.M) == ["CREDENTIALS_DIRECTORY=/run/secrets"]
    ends = re.search(r"^RestartPreventExitStatus=(.*) 243$", service, re.M)[1]  # 243: LoadCredential= failed
    assert f"RestartPreventExitStatus={ends}\n" in quadlet
    # The handbook's commands use the image and the secrets of the quadlet.
    handbook = read("config/OPERATIONS.md")
    image = re.search(r"^Image=localhost/([\w-]+):latest$", quadlet, re.M)[1]
    assert f"podman build -t {image} ." in handbook and f"podman build -t {image} ." in read("Containerfile")
    for secret in re.findall(r"^Secret=([a-z-]+),", quadlet, re.M):
        assert f"podman secret create {secret} " in handbook, secret


def the_image_is_built_with_what_the_package_needs():
    """dpkg-buildpackage refuses to begin where a package of Build-Depends is missing."""
    needed = re.search(r"^Build-Depends:(.*?)^\S", read("debian/control"), re.S | re.M)[1]
    listed = re.search(r'wanted="(.*?)\$\*"', read("tests/setup.sh"), re.S)[1].split()
    listed += re.search(r"install_packages ([^;]*);", read("Containerfile"))[1].split()
    # `provided`: what these packages provide under other names. Boost: tests/setup.sh chooses its version when it runs.
    provided = {"pkg-config": ["pkgconf"], "debhelper": ["debhelper-compat", "dh-sequence-installsysusers"]}
    installed = {
        *listed,
        "libboost-url1.83-dev",
        "libboost1.83-dev",
        *(p for name in listed for p in provided.get(name, [])),
    }
    for alternatives in needed.split(","):
        names = {re.split(r"[ (:]", name.strip())[0] for name in alternatives.split("|")}
        assert names & installed, f"Containerfile installs none of {names}"


def the_installation_leaves_the_settings_of_postgresql_as_they_were():
    """install_packages with a stub for what needs root: the stub of apt-get copies createcluster.conf."""
    script = """
        set -euo pipefail
        . tests/setup.sh
        folder=$1 status=$2
        createcluster=$folder/createcluster.conf
        boost_packages() { echo libboost; }
        dpkg-query() { return 1; }
        as_root() {
          case $1 in
            env) cp "$createcluster" "$folder/seen"; return "$status" ;;
            apt-get) ;;
            *) "$@" ;;
          esac
        }
        install_packages
    """

    def install(status):
        finished = run("bash", "-c", script, "bash", folder, str(status), cwd=TOP)
        assert finished.returncode == (69 if status else 0), finished
        return open(folder + "/seen").read()

    for status in (0, 1):
        folder = tempfile.mkdtemp(dir=work)
        assert install(status) == "create_main_cluster = false\n"
        assert not os.path.exists(folder + "/createcluster.conf"), status
        with open(folder + "/createcluster.conf", "w") as f:
            f.write("ssl = on\n")
        assert install(status) == "ssl = on\n"
        assert open(folder + "/createcluster.conf").read() == "ssl = on\n"


def the_quadlet_becomes_a_unit():
    """Podman's generator makes a unit of it that systemd understands."""
    with open(f"{work}/glia-sync.container", "w") as f:
        f.write(read("systemd/glia-sync.container"))
    made = good(QUADLET, "-dryrun", env={"QUADLET_UNIT_DIRS": work})
    unit = re.search(r"^---glia-sync.service---\n(.*)", made, re.S | re.M)[1]
    start = re.search(r"^ExecStart=(.*)$", unit, re.M)[1].split()
    assert start[-2:] == ["localhost/glia-sync:latest", "run"] and start[1] == "run", start
    for option in ("--read-only", "--sdnotify=container", "--security-opt=no-new-privileges", "--replace"):
        assert option in start, (option, start)
    assert "Type=notify\n" in unit and "WantedBy=multi-user.target\n" in unit, unit
    os.makedirs(work + "/made")
    with open(f"{work}/made/glia-sync.service", "w") as f:
        f.write(unit.replace("Documentation=man:glia-sync(1)\n", ""))
    finished = run("systemd-analyze", "verify", f"{work}/made/glia-sync.service")
    assert finished.returncode == 0 and not finished.stdout + finished.stderr, finished


for unit in UNITS:
    check(f"{unit} verifies", verifies, unit)
    check(f"{unit} is exposed by 1.5 at most", is_confined, unit)
check(f"{NOTIFY} verifies", verifies, NOTIFY)
for function in [
    f
    for n, f in list(globals().items())
    if n.split("_")[0] in ("units", "the", "every", "bash", "alert") and callable(f)
]:
    if function is the_quadlet_becomes_a_unit and not os.path.exists(QUADLET):
        print(f"units/{function.__name__}: left out: needs Podman 4.4 or newer ({QUADLET})")
    else:
        check(function.__name__, function)
subprocess.run(["rm", "-rf", work])
sys.exit(1 if failed else 0)
