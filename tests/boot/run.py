#!/usr/bin/env python3
"""The package on a real systemd, as an operations engineer would meet it: installed, configured like the example in
the README, run under its full sandbox, killed and stopped, upgraded under load, removed.

run.py PACKAGE.deb      needs root and a machine that may be thrown away (GLIA_DISPOSABLE=1); tests build on each other
"""

import json
import os
import re
import signal
import subprocess
import sys
import time
import traceback

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, TOP + "/tests/e2e")

import world
from world import Cluster, Simulator, differences, holds_for

SERVICE = "glia-sync.service"
failed = 0


def sh(command, check=True, **options):
    """Runs a command of the shell; returns what it prints. AssertionError if it fails."""
    run = subprocess.run(["bash", "-c", command], capture_output=True, text=True, stdin=subprocess.DEVNULL, **options)
    if check and run.returncode:
        raise AssertionError(f"{command}: exit code {run.returncode}: {run.stdout[-1500:]}{run.stderr[-1500:]}")
    return run.stdout.strip()


def state(unit=SERVICE):
    """What systemd knows of a unit: {property: value}."""
    return dict(
        line.split("=", 1)
        for line in sh(
            f"systemctl show {unit} -p ActiveState,SubState,Result,MainPID,NRestarts,StatusText,ExecMainStatus"
        ).splitlines()
    )


def eventually(condition, seconds=30, what="it"):
    """Like world.eventually(); the error also shows the state and the journal of the service."""
    try:
        world.eventually(condition, seconds, what)
    except AssertionError as error:
        raise AssertionError(f"{error}; {state()}; {sh('journalctl -u glia-sync -n 15 --no-pager -o cat')}") from None


class Installation:
    """The database and the simulator that the installed program is configured for."""

    def __init__(self):
        self.cluster = Cluster()
        self.simulator = Simulator(engagements=3000, days=30, sites=2, seed=11)
        self.cluster.sql("CREATE DATABASE analytics")
        # As on a server: the writer needs its password.
        hba = self.cluster.dir + "/data/pg_hba.conf"
        text = open(hba).read()
        with open(hba, "w") as f:
            f.write("host all glia_writer 127.0.0.1/32 scram-sha-256\n" + text)
        self.cluster.sql("SELECT pg_reload_conf()")

    def sql(self, text):
        return self.cluster.sql(text, "analytics")

    def equals_source(self):
        return not differences(self)

    def psql(self, arguments):
        return sh(f"psql -X -q -v ON_ERROR_STOP=1 -d '{self.cluster.dsn('analytics')}' {arguments}")

    def dsn(self, password="correct horse"):
        return f"host=127.0.0.1 port={self.cluster.port} dbname=analytics user=glia_writer password='{password}'"

    def configure(self, name="/etc/glia-sync/glia-sync.yaml", extra=""):
        sites = ", ".join(f'"{s}"' for s in self.simulator.sites)
        with open(name, "w") as f:
            f.write(
                f"""api:
  base_url: http://127.0.0.1:{self.simulator.port}
  auth: {{token_file: "${{CREDENTIALS_DIRECTORY:-/etc/glia-sync}}/token"}}
  sites: [{sites}]
  rate_limit: 0
sync: {{start_from: {self.simulator.start}, poll_every: 2s, revisit: [{{every: 2s, back: 60d}}]}}
sink: {{postgres: {{dsn_file: "${{CREDENTIALS_DIRECTORY:-/etc/glia-sync}}/dsn"}}}}
{extra}"""
            )

    def secret(self, name, text, folder="/etc/glia-sync"):
        with open(f"{folder}/{name}", "w") as f:
            f.write(text + "\n")


PACKAGE = os.path.abspath(sys.argv[1])
at = None


def the_package_installs():
    sh(f"apt-get install -y -qq {PACKAGE}")
    assert sh("glia-sync --version").startswith("glia-sync ")
    assert sh("stat -c '%U %a' /etc/glia-sync/token /etc/glia-sync/dsn") == "root 600\nroot 600"
    assert "glia-sync.yaml" in sh("dpkg-query -W -f '${Conffiles}' glia-sync")
    assert sh("id -u glia-sync")
    assert state()["ActiveState"] == "inactive", "a service that is not configured is not started"
    assert os.path.exists("/usr/share/man/man1/glia-sync.1.gz")


def an_unconfigured_service_fails_once_with_a_clear_line():
    sh(f"systemctl start {SERVICE}", check=False)
    eventually(lambda: state()["ActiveState"] == "failed", 30)
    holds_for(11, lambda: state()["NRestarts"] == "0", "it was started again")
    assert state()["ExecMainStatus"] == "78", state()
    line = sh("journalctl -u glia-sync -o cat --no-pager | grep '^glia-sync: ' | tail -n 1")
    assert "/dsn" in line and "is empty" in line, line


def five_lines_of_configuration_are_enough():
    at.psql("-f /usr/share/glia-sync/postgres/roles.sql")
    at.configure()
    at.secret("token", at.simulator.token)
    at.secret("dsn", at.dsn())
    sh("glia-sync migrate --print >/tmp/schema.sql")
    at.psql("-c 'SET ROLE glia_owner' -f /tmp/schema.sql -f /usr/share/glia-sync/postgres/roles.sql")
    at.psql("-c \"ALTER ROLE glia_writer PASSWORD 'correct horse'\"")
    checked = sh("glia-sync check")
    assert len(re.findall("^ok ", checked, re.M)) == len(checked.splitlines()) >= 6, checked
    print("   " + checked.replace("\n", "\n   "))


def a_backfill_as_a_unit_loads_its_range():
    with open("/etc/glia-sync/backfill-all.env", "w") as f:
        f.write(f'GLIA_SYNC_BACKFILL="--from {at.simulator.start} --window 7d"\n')
    sh("systemctl start glia-sync-backfill@all")
    assert at.equals_source()
    assert "backfill: done" in sh("journalctl -u glia-sync-backfill@all -o cat --no-pager")


def the_service_serves_under_its_sandbox():
    sh(f"systemctl enable --now {SERVICE}")
    assert state()["ActiveState"] == "active"
    at.simulator.call("/add", n=50)
    at.simulator.call("/mutate", n=200)
    eventually(at.equals_source, 60)
    eventually(lambda: "2 sites in order" in state()["StatusText"], 30)
    assert sh("curl -fsS http://127.0.0.1:9464/readyz | tail -n 1") == "ready"
    exposure = sh(f"systemd-analyze security --no-pager {SERVICE} | tail -n 1")
    assert float(re.search(r": ([0-9.]+) ", exposure)[1]) <= 1.5, exposure
    pid = state()["MainPID"]
    status = open(f"/proc/{pid}/status").read()
    assert "CapEff:\t0000000000000000" in status and "NoNewPrivs:\t1" in status and "Seccomp:\t2" in status
    assert sh(f"ps -o user= -p {pid}") == "glia-sync"
    assert sh(f"nsenter -t {pid} -m touch /etc/x 2>&1", check=False).endswith("Read-only file system")


def log_lines_have_priorities_and_fields():
    entry = json.loads(sh("journalctl -u glia-sync -o json --no-pager GLIA_EVENT='service started' | tail -n 1"))
    assert (
        entry["PRIORITY"] == "6"
        and entry["GLIA_TOPIC"] == "service"
        and entry["GLIA_SITES"] == "2"
        and entry["SYSLOG_IDENTIFIER"] == "glia-sync"
    ), entry
    assert entry["MESSAGE"].startswith("service started sites=2"), entry
    assert at.simulator.token not in sh("journalctl --no-pager -o json") and "correct horse" not in sh(
        "journalctl --no-pager -o json"
    )


def a_reload_takes_a_good_configuration_and_refuses_a_bad_one():
    pid = state()["MainPID"]
    at.configure(extra="log: {level: debug}\n")
    sh(f"systemctl reload {SERVICE}")
    eventually(
        lambda: sh("journalctl -u glia-sync -o cat --no-pager GLIA_EVENT='the new configuration is in effect' | wc -l")
        == "1",
        30,
    )
    with open("/etc/glia-sync/glia-sync.yaml", "a") as f:
        f.write("nonsense: true\n")
    sh(f"systemctl reload {SERVICE}")
    eventually(lambda: "the old one stays in effect" in sh("journalctl -u glia-sync -p err -o cat --no-pager"), 30)
    at.configure()
    sh(f"systemctl reload {SERVICE}")
    eventually(lambda: state()["ActiveState"] == "active" and "in order" in state()["StatusText"], 30)
    assert state()["MainPID"] == pid, "a reload is no restart"


def a_service_that_was_stopped_is_started_anew_by_the_watchdog():
    os.makedirs(f"/etc/systemd/system/{SERVICE}.d", exist_ok=True)
    with open(f"/etc/systemd/system/{SERVICE}.d/quick.conf", "w") as f:
        f.write("[Service]\nWatchdogSec=6s\nRestartSec=1s\nTimeoutAbortSec=3s\n")
    sh(f"systemctl daemon-reload; systemctl restart {SERVICE}")
    eventually(lambda: "in order" in state()["StatusText"], 30)
    before = state()
    os.kill(int(before["MainPID"]), signal.SIGSTOP)
    at.simulator.call("/mutate", n=100)
    eventually(
        lambda: state()["MainPID"] not in ("0", before["MainPID"]) and state()["ActiveState"] == "active",
        40,
        "the restart by the watchdog",
    )
    assert int(state()["NRestarts"]) == int(before["NRestarts"]) + 1
    eventually(at.equals_source, 60)


def a_service_that_was_killed_is_started_anew():
    before = state()
    os.kill(int(before["MainPID"]), signal.SIGKILL)
    at.simulator.call("/mutate", n=100)
    eventually(
        lambda: state()["MainPID"] not in ("0", before["MainPID"]) and state()["ActiveState"] == "active",
        40,
        "the restart",
    )
    eventually(at.equals_source, 60)


def credentials_that_are_refused_make_no_restart_loop():
    at.secret("dsn", at.dsn("wrong"))
    sh(f"systemctl reset-failed {SERVICE}; systemctl restart {SERVICE}", check=False)
    eventually(lambda: state()["ActiveState"] == "failed", 30)
    holds_for(5, lambda: state()["NRestarts"] == "0", "it was started again")
    assert state()["ExecMainStatus"] in ("77", "78"), state()
    at.secret("dsn", at.dsn())
    os.rename("/etc/glia-sync/token", "/etc/glia-sync/token.away")
    sh(f"systemctl restart {SERVICE}", check=False)
    eventually(lambda: state()["ActiveState"] == "failed", 30)
    holds_for(5, lambda: state()["NRestarts"] == "0", "it was started again")
    assert state()["ExecMainStatus"] == "243", state()
    os.rename("/etc/glia-sync/token.away", "/etc/glia-sync/token")
    # A token that the API refuses ends nothing: the site is tried again, and says why.
    at.secret("token", "refused")
    sh(f"systemctl restart {SERVICE}")
    eventually(lambda: "2 of 2 sites failing" in state()["StatusText"], 30)
    assert state()["NRestarts"] == "0" and state()["ActiveState"] == "active", state()
    at.secret("token", at.simulator.token)
    sh(f"systemctl restart {SERVICE}")
    eventually(lambda: "2 sites in order" in state()["StatusText"], 60)


def a_stop_is_quick_and_clean():
    at.simulator.call("/mutate", n=1000)
    began = time.time()
    sh(f"systemctl stop {SERVICE}")
    assert time.time() - began < 10 and state()["Result"] == "success", state()
    sh(f"systemctl start {SERVICE}")
    eventually(at.equals_source, 60)


def another_tenant_has_a_unit_of_its_own():
    at.cluster.sql("CREATE DATABASE acme")
    os.makedirs("/etc/glia-sync/acme")
    for name in ("key-id", "key-secret"):
        at.secret(name, "", "/etc/glia-sync/acme")
    at.secret("token", at.simulator.token, "/etc/glia-sync/acme")
    at.secret("dsn", at.cluster.dsn("acme"), "/etc/glia-sync/acme")
    at.configure("/etc/glia-sync/acme.yaml", extra='admin: {listen: "127.0.0.1:9465"}\n')
    sh("systemctl start glia-sync@acme")
    eventually(lambda: "2 sites in order" in state("glia-sync@acme")["StatusText"], 60)
    eventually(
        lambda: at.cluster.sql("SELECT count(*) FROM glia.engagements", "acme")
        == at.sql("SELECT count(*) FROM glia.engagements"),
        30,
    )
    sh("systemctl stop glia-sync@acme; rm -r /etc/glia-sync/acme /etc/glia-sync/acme.yaml")


def an_upgrade_under_load_loses_nothing():
    sh(
        f"rm -rf /tmp/next; dpkg-deb -R {PACKAGE} /tmp/next; sed -i 's/^Version: .*/Version: 9.9.9/' "
        "/tmp/next/DEBIAN/control; dpkg-deb -b /tmp/next /tmp/next.deb"
    )
    before = state()["MainPID"]
    stored = at.sql("SELECT count(*) FROM glia.engagements")
    at.simulator.call("/add", n=3000)
    at.simulator.call("/mutate", n=2000)
    eventually(lambda: at.sql("SELECT count(*) FROM glia.engagements") != stored, what="the load")
    sh("DEBIAN_FRONTEND=noninteractive dpkg -i /tmp/next.deb")
    at.simulator.call("/mutate", n=500)
    eventually(lambda: state()["ActiveState"] == "active" and state()["MainPID"] != before, 30)
    eventually(at.equals_source, 120)
    assert (
        "correct" in open("/etc/glia-sync/dsn").read()
        and str(at.simulator.port) in open("/etc/glia-sync/glia-sync.yaml").read()
    ), "the configuration stays"


def the_package_goes_without_a_trace():
    sh("dpkg --remove glia-sync")
    assert not os.path.exists("/usr/bin/glia-sync") and sh(f"systemctl is-active {SERVICE}", check=False) != "active"
    assert os.path.exists("/etc/glia-sync/glia-sync.yaml") and os.path.exists(
        "/etc/glia-sync/token"
    ), "remove keeps the configuration"
    sh("rm -f /etc/glia-sync/backfill-all.env; dpkg --purge glia-sync")
    assert not os.path.exists("/etc/glia-sync"), os.listdir("/etc/glia-sync")
    assert not sh("find /etc/systemd/system -name 'glia-sync*.service'")
    assert at.equals_source(), "the tables stay"


def main():
    global at, failed
    if os.getuid() != 0 or os.environ.get("GLIA_DISPOSABLE") != "1" or not os.path.isdir("/run/systemd/system"):
        print(
            "FAILED boot: needs root and systemd on a machine that may be thrown away; if it is one, set "
            "GLIA_DISPOSABLE=1"
        )
        return 1
    at = Installation()
    for test in (
        the_package_installs,
        an_unconfigured_service_fails_once_with_a_clear_line,
        five_lines_of_configuration_are_enough,
        a_backfill_as_a_unit_loads_its_range,
        the_service_serves_under_its_sandbox,
        log_lines_have_priorities_and_fields,
        a_reload_takes_a_good_configuration_and_refuses_a_bad_one,
        a_service_that_was_stopped_is_started_anew_by_the_watchdog,
        a_service_that_was_killed_is_started_anew,
        credentials_that_are_refused_make_no_restart_loop,
        a_stop_is_quick_and_clean,
        another_tenant_has_a_unit_of_its_own,
        an_upgrade_under_load_loses_nothing,
        the_package_goes_without_a_trace,
    ):
        began = time.time()
        try:
            test()
            print(f"ok boot/{test.__name__} ({time.time() - began:.1f} s)", flush=True)
        except Exception as error:
            failed += 1
            print(f"FAILED boot/{test.__name__}: {str(error)[-3000:]}", flush=True)
            if not isinstance(error, AssertionError):
                traceback.print_exc()
    at.simulator.close()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
