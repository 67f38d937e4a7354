#!/usr/bin/env python3
"""What is installed beside the program: units, package, manual page, completion, alert rules. Starts nothing.

run.py PACKAGE.deb     prints `ok NAME` or `FAILED NAME` for each check
"""
import glob, gzip, hardening, json, os, re, subprocess, sys, tempfile
TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
GLIA = os.environ.get("GLIA_BUILD", TOP + "/build/release") + "/daemon/glia-sync"
PACKAGE = sys.argv[1]
UNITS = ["glia-sync.service", "glia-sync@.service", "glia-sync-backfill@.service"]
work = tempfile.mkdtemp(prefix="glia-units-")
failed = 0


def run(*command, **options):
    return subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, **options)


def good(*command, **options):
    finished = run(*command, **options)
    assert finished.returncode == 0, f"{command}: exit code {finished.returncode}: {finished.stdout}{finished.stderr}"
    return finished.stdout


def check(name, function, *arguments):
    global failed
    try:
        function(*arguments)
        print(f"ok units/{name}")
    except AssertionError as error:
        failed += 1
        print(f"FAILED units/{name}: {error}")


def read(path):
    with open(f"{TOP}/{path}") as f: return f.read()


def verifies(unit):
    """With the program where it was built, and an instance's name."""
    path = f"{work}/{unit.replace('@.', '@x.')}"
    with open(path, "w") as f: f.write(read("systemd/" + unit).replace("/usr/bin/glia-sync", GLIA).replace("Documentation=man:glia-sync(1)\n", ""))
    finished = run("systemd-analyze", "verify", path)
    assert finished.returncode == 0 and not finished.stdout + finished.stderr, finished


def is_confined(unit):
    finished = run("systemd-analyze", "security", "--offline=true", "--no-pager", "--threshold=15", f"{TOP}/systemd/{unit}")
    assert finished.returncode == 0, finished.stdout
    print("   " + finished.stdout.strip().splitlines()[-1])


def units_share_a_sandbox():
    sandboxes = {re.search(r"# Sandbox.*?UMask=0077\n", read("systemd/" + unit), re.S)[0] for unit in UNITS}
    assert len(sandboxes) == 1


def the_package_holds_what_it_should():
    listed = good("dpkg-deb", "-c", PACKAGE)
    for path in ["usr/bin/glia-sync", "etc/glia-sync/glia-sync.yaml", "usr/share/man/man1/glia-sync.1.gz", "usr/lib/sysusers.d/glia-sync.conf",
                 "usr/lib/tmpfiles.d/glia-sync.conf", "usr/share/bash-completion/completions/glia-sync", "usr/share/zsh/vendor-completions/_glia-sync",
                 "usr/share/glia-sync/postgres/roles.sql", "usr/share/glia-sync/prometheus/alerts.yml", "usr/share/glia-sync/grafana/glia-sync.json",
                 "usr/share/doc/glia-sync/copyright", "usr/share/doc/glia-sync/examples/glia-sync.yaml", *("usr/lib/systemd/system/" + u for u in UNITS)]:
        assert f" ./{path}\n" in listed, f"{path} is missing"
    assert "usr/local" not in listed
    control = good("dpkg-deb", "-f", PACKAGE)
    version = re.search(r"glia-sync VERSION ([0-9.]+)", read("CMakeLists.txt"))[1]
    assert f"Version: {version}\n" in control and "libpqxx" in control and "libsystemd0" in control, control
    assert read("config/debian/changelog").startswith(f"glia-sync ({version})"), "config/debian/changelog is of another version"
    good("dpkg-deb", "-R", PACKAGE, work + "/package")
    assert good(work + "/package/usr/bin/glia-sync", "--version").strip() == f"glia-sync {version}"
    for script in ("postinst", "prerm", "postrm"): good("sh", "-n", f"{work}/package/DEBIAN/{script}")


def the_program_is_hardened():
    """As it was built, and as the package has it."""
    for program in (GLIA, work + "/package/usr/bin/glia-sync"):
        assert not hardening.missing(program), f"{program} lacks " + ", ".join(hardening.missing(program))


def the_configuration_of_the_package_says_what_is_missing():
    """Whoever starts it as it comes is told what to fill in."""
    finished = run(GLIA, "-c", TOP + "/config/glia-sync.minimal.yaml", "config", "check")
    assert finished.returncode == 0 and "its DSN is not checked" in finished.stdout, finished
    finished = run(GLIA, "-c", TOP + "/config/glia-sync.minimal.yaml", "status", env=dict(os.environ, CREDENTIALS_DIRECTORY=work))
    assert finished.returncode == 78 and f"{work}/dsn: cannot be read" in finished.stderr, finished


def the_manual_page_is_clean():
    page = good(GLIA, "manual")
    with open(work + "/glia-sync.1", "w") as f: f.write(page)
    finished = run("man", "--warnings", "-E", "UTF-8", "-l", work + "/glia-sync.1", env=dict(os.environ, MANWIDTH="80", LANG="C.UTF-8"))
    assert finished.returncode == 0 and not finished.stderr, finished.stderr
    commands = re.findall(r"^  ([a-z]+) ", good(GLIA, "--help").split("Subcommands:")[1], re.M)
    assert len(commands) >= 9, commands
    for command in commands:
        assert f".SS {command}\n" in page, f"{command} is not in the manual page"
        for option in re.findall(r"(--[a-z-]+)", good(GLIA, command, "--help")):
            assert option.replace("-", "\\-") in page, f"{command} {option} is not in the manual page"


def bash_completes():
    script = f'. <({GLIA} completion bash); t() {{ COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _glia_sync; echo "${{COMPREPLY[*]}}"; }}; '
    for words, expected in [("glia-sync re", "reset rejects"), ("glia-sync -c file che", "check"), ("glia-sync rejects ''", "list show retry --help --config"),
                            ("glia-sync backfill --w", "--window"), ("glia-sync run --", "--help --once --strict --config")]:
        got = good("bash", "-c", script + "t " + words).strip()
        assert got == expected, f"{words}: {got}"


def alert_rules_hold():
    for command in (["check", "rules", TOP + "/config/prometheus/alerts.yml"], ["test", "rules", TOP + "/config/prometheus/alerts_test.yml"]):
        print("   " + " ".join(good("promtool", *command, cwd=TOP + "/config/prometheus").split()))
    tested = set(re.findall(r"alertname: (\w+)", read("config/prometheus/alerts_test.yml")))
    assert tested == set(re.findall(r"alert: (\w+)", read("config/prometheus/alerts.yml"))), "every alert has its tests"


def every_alert_is_explained():
    for alert in re.findall(r"alert: (\w+)", read("config/prometheus/alerts.yml")): assert f"`{alert}`" in read("config/OPERATIONS.md"), alert


def dashboard_queries():
    return [t["expr"] for p in json.loads(read("config/grafana/glia-sync.json"))["panels"] for t in p["targets"]]


def the_dashboard_asks_what_prometheus_understands():
    queries = [q.replace("$__rate_interval", "5m") for q in dashboard_queries()]
    assert len(queries) > 15
    with open(work + "/dashboard.yml", "w") as f:
        json.dump({"groups": [{"name": "dashboard", "rules": [{"record": f"q{i}", "expr": q} for i, q in enumerate(queries)]}]}, f)
    good("promtool", "check", "rules", work + "/dashboard.yml")


for unit in UNITS:
    check(f"{unit} verifies", verifies, unit)
    check(f"{unit} is exposed by 1.5 at most", is_confined, unit)
for function in [f for n, f in list(globals().items()) if n.split("_")[0] in ("units", "the", "every", "bash", "alert") and callable(f)]:
    check(function.__name__, function)
subprocess.run(["rm", "-rf", work])
sys.exit(1 if failed else 0)
