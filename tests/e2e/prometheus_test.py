"""A real Prometheus scrapes the service, and the rules and the dashboard of config/ find what they ask for."""

import json
import re
import subprocess
import tempfile
import urllib.parse
import urllib.request

from harness import expect_success, expect_tables_equal_source, new_world, shared_cluster, test
from monitoring_test import address, expect_well_named_metrics, fetch, responds
from world import DATA_TABLES, TOP, eventually, free_port

CONFIG = TOP + "/config"


def with_short_times(rules):
    """The same rules with seconds for minutes and minutes for hours, so that a test need not wait for a quarter of
    an hour."""
    rules = re.sub(r"\b(\d+)m\b", r"\1s", re.sub(r"\b(\d+)h\b", r"\1M", rules)).replace("M]", "m]")
    rules = re.sub(r"(for: \d+)M", r"\1m", rules)
    return rules.replace("poll_interval_seconds), 900)", "poll_interval_seconds), 15)")


class Prometheus:
    """A Prometheus that scrapes one target every second, with these rules."""

    def __init__(self, target, rules):
        self.dir, self.port = tempfile.mkdtemp(prefix="glia-prometheus-"), free_port()
        with open(self.dir + "/rules.yml", "w") as f:
            f.write(rules)
        with open(self.dir + "/prometheus.yml", "w") as f:
            json.dump(
                {
                    "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
                    "rule_files": [self.dir + "/rules.yml"],
                    "scrape_configs": [{"job_name": "glia-sync", "static_configs": [{"targets": [target]}]}],
                },
                f,
            )
        self.process = subprocess.Popen(
            [
                "prometheus",
                f"--config.file={self.dir}/prometheus.yml",
                f"--storage.tsdb.path={self.dir}/data",
                f"--web.listen-address=127.0.0.1:{self.port}",
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def ask(self, path, **query):
        url = f"http://127.0.0.1:{self.port}/api/v1/{path}?{urllib.parse.urlencode(query)}"
        return json.load(urllib.request.urlopen(url, timeout=10))["data"]

    def up(self):
        try:
            return [t["health"] for t in self.ask("targets")["activeTargets"]] == ["up"]
        except OSError:
            return False

    def rules(self):
        return [rule for group in self.ask("rules")["groups"] for rule in group["rules"]]

    def firing(self):
        return {rule["name"] for rule in self.rules() if rule["state"] == "firing"}

    def close(self):
        self.process.kill()
        self.process.wait()
        import shutil

        shutil.rmtree(self.dir, ignore_errors=True)


def expect_results(prometheus, dashboard):
    """Every query of the panels has a result, and the variable `site` has every site, by its name."""

    def ask(query):
        query = query.replace("$__rate_interval", "30s").replace("$job", "glia-sync").replace("$site", ".*")
        return prometheus.ask("query", query=query)["result"]

    for panel in dashboard["panels"]:
        for target in panel["targets"]:
            eventually(lambda: ask(target["expr"]), 20, f"a result of {panel['title']}: {target['expr']}")
    (site,) = (v for v in dashboard["templating"]["list"] if v["name"] == "site")
    regex = re.fullmatch("/(.*)/g", site["regex"])[1].replace("(?<", "(?P<")
    for sample in ask(re.fullmatch(r"query_result\((.*)\)", site["query"]["query"])[1]):
        # The sample in the form to which Grafana applies the regular expression.
        text = "{" + ",".join(f'{k}="{v}"' for k, v in sample["metric"].items()) + "} 1 1700000000000"
        found = {k: v for match in re.finditer(regex, text) for k, v in match.groupdict().items() if v}
        assert found == {"value": sample["metric"]["site"], "text": sample["metric"]["name"]}, (found, text)


@test
def prometheus_scrapes_the_service_and_the_lag_alert_fires_when_the_api_is_gone():
    listen = address()
    simulator, program = new_world(
        300,
        sites=2,
        token_ttl_s=600,
        admin__listen=listen,
        api__max_retries=0,
        api__rate_limit=500,
        sync__revisit=[],
        directory__enabled=True,
    )
    program.settings["api"]["auth"] = {
        "api_key": {"id_file": program.write("id", "key-id\n"), "secret_file": program.write("secret", "key-secret\n")}
    }
    program.configure(program.settings)
    rules = open(CONFIG + "/prometheus/alerts.yml").read()
    with program.service():
        eventually(lambda: responds(listen), 10)
        prometheus = Prometheus(listen, with_short_times(rules))
        try:
            eventually(prometheus.up, 30, "the scrape")
            eventually(program.equals_source, 60)
            eventually(
                lambda: all(rule["health"] == "ok" for rule in prometheus.rules()), 30, "every rule to be evaluated"
            )
            assert len(prometheus.rules()) == rules.count("- alert:")
            # Whatever the rules and the dashboard ask for is there.
            dashboard = json.load(open(CONFIG + "/grafana/glia-sync.json"))
            used = set(
                re.findall(
                    r"\b((?:glia_sync|process)_\w+)",
                    rules
                    + json.dumps([p["targets"] for p in dashboard["panels"]])
                    + json.dumps(dashboard["templating"]),
                )
            )
            assert len(used) > 20
            eventually(
                lambda: used <= set(prometheus.ask("label/__name__/values")), 60, "every metric that is asked for"
            )
            expect_results(prometheus, dashboard)
            expect_well_named_metrics(fetch(listen)[1])
            eventually(lambda: not prometheus.firing(), 60, "peace")
            simulator.process.kill()
            eventually(lambda: "GliaSyncSiteLagging" in prometheus.firing(), 60, "the alert")
            sites = {
                a["labels"]["site"]
                for rule in prometheus.rules()
                if rule["name"] == "GliaSyncSiteLagging"
                for a in rule["alerts"]
            }
            assert sites == set(simulator.sites), sites
        finally:
            prometheus.close()


@test
def the_roles_of_config_are_enough_and_not_too_much():
    simulator, program = new_world(300, sites=2)

    def files(*arguments):
        return subprocess.run(
            ["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", shared_cluster().dsn(program.database), *arguments],
            check=True,
            capture_output=True,
            text=True,
        )

    roles = CONFIG + "/postgres/roles.sql"
    files("-f", roles)
    schema = program.write("schema.sql", expect_success(program.run("migrate", "--print")).out)
    files("-c", "SET ROLE glia_owner", "-f", schema)
    files("-f", roles)
    files("-f", roles)  # running it again succeeds
    program.settings["sink"]["postgres"]["dsn"] = shared_cluster().dsn(program.database, "glia_writer")
    program.configure(program.settings)
    expect_success(program.run("check"))
    expect_success(program.backfill())
    expect_success(program.run("run", "--once"))
    expect_success(program.run("status"))
    expect_tables_equal_source(program)
    assert program.sql("SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'glia'") == "glia_owner"
    with program.service():
        program.wait_for_passes()

    def may(role, statement):
        try:
            shared_cluster().sql(f"SET ROLE {role}; BEGIN; {statement}; ROLLBACK", program.database)
        except RuntimeError as error:
            assert "permission denied" in str(error) or "must be owner" in str(error), error
            return False
        return True

    state = program.sql("SELECT tablename FROM pg_tables WHERE schemaname = 'glia'").split()
    names = ("operators", "operator_sites", "sites", "name_history")
    for table in (
        *DATA_TABLES,
        *names,
        "chat_messages",
        "queue_wait_samples",
        "undocumented_members",
        "queue_wait_intervals",
        "handle_intervals",
        "wrap_up_intervals",
        "operator_state_intervals",
        "statistics_readings",
        "business_hours",
        "holidays",
    ):
        state.remove(table)
        assert may("glia_reader", f"SELECT FROM glia.{table}"), table
        assert not may("glia_reader", f"DELETE FROM glia.{table}"), table
        assert may("glia_writer", f"DELETE FROM glia.{table}"), table
        assert not may("glia_writer", f"DROP TABLE glia.{table}"), table
    assert len(state) >= 9
    for table in state:
        assert not may("glia_reader", f"SELECT FROM glia.{table}"), f"{table} is none of the reader's business"
    assert not may("glia_writer", "CREATE TABLE glia.x ()") and may("glia_owner", "CREATE TABLE glia.x ()")
