"""The dashboards in config/grafana, and the files by which Grafana finds them and their data. prometheus_test.py and
analytics_test.py run their queries."""

import glob
import json
import os
import re
import subprocess

from harness import expect_success, new_world, shared_cluster, test
from world import TOP

GRAFANA = TOP + "/config/grafana"
# What Grafana itself replaces in queries and links.
BUILT_IN = {"__rate_interval", "__timeFilter", "__timeFrom", "__timeTo", "__url_time_range", "__field", "__all"}


def read_yaml(path):
    """A YAML file; the import is here, so that the other tests need no packages of Python."""
    import yaml

    with open(path) as f:
        return yaml.safe_load(f)


def dashboards():
    """{uid: dashboard} of all that there are."""
    found = [json.load(open(path)) for path in glob.glob(GRAFANA + "/*.json")]
    assert len(found) >= 2
    return {d["uid"]: d for d in found}


def data_sources():
    """The provisioning of Grafana's data sources."""
    return read_yaml(GRAFANA + "/provisioning/datasources/glia-sync.yaml")["datasources"]


@test
def dashboards_are_well_formed():
    for uid, board in dashboards().items():
        ids = [panel["id"] for panel in board["panels"]]
        assert len(ids) == len(set(ids)), f"{uid}: a panel's id is there twice"
        taken = {}
        for panel in board["panels"]:
            at = panel["gridPos"]
            assert at["x"] + at["w"] <= 24, f"{uid}: {panel['title']} is beyond the edge"
            assert panel["title"] and panel["targets"], panel["id"]
            for cell in [(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])]:
                assert cell not in taken, f"{uid}: {panel['title']} lies upon {taken[cell]}"
                taken[cell] = panel["title"]
            references = [target["refId"] for target in panel["targets"]]
            assert len(references) == len(set(references)), f"{uid}: {panel['title']}: a refId is there twice"
        defined = {variable["name"] for variable in board["templating"]["list"]}
        used = set(re.findall(r"\$\{?(\w+)", json.dumps(board)))
        assert used <= defined | BUILT_IN, f"{uid}: {used - defined - BUILT_IN} are not defined"
        assert defined <= used, f"{uid}: {defined - used} are not used"


@test
def dashboards_link_to_each_other():
    boards = dashboards()
    for uid, board in boards.items():
        (link,) = board["links"]
        others = [u for u, b in boards.items() if u != uid and set(link["tags"]) & set(b["tags"])]
        assert link["type"] == "dashboards" and len(others) == len(boards) - 1, uid
        # The dashboard that the link leads to has variables of the same names, but for another data source.
        assert not link["includeVars"], uid
        for target, query in re.findall(r'"/d/([\w-]+)\?([^"]*)"', json.dumps(board)):
            there = {variable["name"] for variable in boards[target]["templating"]["list"]}
            assert set(re.findall(r"var-(\w+)=", query)) <= there, (uid, query)


@test
def provisioning_finds_the_dashboards_and_their_data():
    (provider,) = read_yaml(GRAFANA + "/provisioning/dashboards/glia-sync.yaml")["providers"]
    installed = open(TOP + "/config/install.cmake").read()
    where = provider["options"]["path"].replace("/usr/share/", "${CMAKE_INSTALL_DATADIR}/")
    for path in glob.glob(GRAFANA + "/*.json"):
        line = next(line for line in installed.splitlines() if f"config/grafana/{os.path.basename(path)}" in line)
        assert f"DESTINATION {where})" in line, line
    types = {source["type"] for source in data_sources()}
    for uid, board in dashboards().items():
        wanted = {v["query"] for v in board["templating"]["list"] if v["type"] == "datasource"}
        used = {target["datasource"]["type"] for panel in board["panels"] for target in panel["targets"]}
        assert wanted == used and wanted <= types, (uid, wanted, used)


@test
def the_data_source_reads_the_tables_with_what_the_handbook_puts_into_the_environment():
    simulator, program = new_world(100)
    expect_success(program.run("run", "--once"))
    subprocess.run(
        ["psql", "-Xq", "-v", "ON_ERROR_STOP=1", "-d", program.cluster.dsn(program.database)]
        + ["-f", TOP + "/config/postgres/roles.sql"],
        check=True,
        capture_output=True,
    )
    user = "grafana_" + program.database
    program.sql(f"CREATE ROLE {user} LOGIN PASSWORD 'secret'; GRANT glia_reader TO {user}")
    environment = dict(re.findall(r"^    (GLIA_GRAFANA_\w+)=(.+)$", open(TOP + "/config/OPERATIONS.md").read(), re.M))
    environment |= {
        "GLIA_GRAFANA_DB_ADDRESS": f"127.0.0.1:{shared_cluster().port}",
        "GLIA_GRAFANA_DB_NAME": program.database,
        "GLIA_GRAFANA_DB_USER": user,
        "GLIA_GRAFANA_DB_PASSWORD": "secret",
    }
    text = json.dumps(data_sources())
    used = set(re.findall(r"\$\{(\w+)\}", text))
    assert used == environment.keys(), used ^ environment.keys()
    sources = json.loads(re.sub(r"\$\{(\w+)\}", lambda m: environment[m[1]], text))
    assert "password" not in json.dumps([{k: v for k, v in s.items() if k != "secureJsonData"} for s in sources])
    (source,) = (s for s in sources if s["type"] == "grafana-postgresql-datasource")
    host, port = source["url"].split(":")
    finished = subprocess.run(
        ["psql", "-XAtq", "-v", "ON_ERROR_STOP=1"]
        + ["-c", "SELECT count(*) FROM glia.engagement_facts", "-c", "SELECT count(*) >= 0 FROM glia.volume"],
        env={
            **os.environ,
            "PGHOST": host,
            "PGPORT": port,
            "PGUSER": source["user"],
            "PGPASSWORD": source["secureJsonData"]["password"],
            "PGDATABASE": source["jsonData"]["database"],
            "PGSSLMODE": source["jsonData"]["sslmode"],
        },
        capture_output=True,
        text=True,
    )
    assert finished.stdout == "100\nt\n", finished
    program.sql(f"DROP OWNED BY {user}; DROP ROLE {user}")
