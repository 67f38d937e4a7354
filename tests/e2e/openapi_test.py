"""config/api.openapi.yaml against the simulator: every path, every status, every member."""

import copy
import glob
import http.client
import json
import re
import urllib.parse

from harness import test
from world import TOP, Simulator

FILE = TOP + "/config/api.openapi.yaml"
ACCEPT = "application/vnd.salemove.v1+json"
HALF_HOUR_FILTER = {
    "filter[type]": "and",
    "filter[fields][0][type]": "not",
    "filter[fields][0][field][type]": "selector",
    "filter[fields][0][field][dimension]": "site_id",
    "filter[fields][0][field][value]": "",
}


class Client:
    """Sends requests to the simulator, and checks each response against the file."""

    def __init__(self, document, simulator):
        self.document, self.simulator = document, simulator
        self.origin = f"http://127.0.0.1:{simulator.port}"
        self.connection = http.client.HTTPConnection("127.0.0.1", simulator.port, timeout=30)

    def send(self, method, target, body=None, headers=None):
        """(status, headers, body) of a response; `headers` None: valid ones."""
        if headers is None:
            headers = {"Authorization": f"Bearer {self.simulator.token}", "Accept": ACCEPT}
            if body is not None:
                headers["Content-Type"] = "application/json"
        self.connection.request(method, target, body, headers)
        response = self.connection.getresponse()
        return response.status, response.headers, response.read()

    def ask(self, method, path, query=(), *, path_values=(), body=None, headers=None, status=200):
        """Asks for a path of the file and returns the decoded body of the response. `query` may be pairs, or the part
        of a URL behind the question mark."""
        target = re.sub(r"\{\w+\}", "{}", path).format(*path_values)
        if not isinstance(query, str):
            query = urllib.parse.urlencode(list(query.items()) if isinstance(query, dict) else query)
        what = f"{method} {target}?{query} ({status})"
        got, self.response_headers, received = self.send(method, target + ("?" + query if query else ""), body, headers)
        assert got == status, f"{what}: {got} {received[:300]!r}"
        complete = self.document.check_request(method, path, [n for n, _ in urllib.parse.parse_qsl(query, True)], what)
        assert complete or status >= 400 or "cursor=" in query, f"{what}: a required parameter was left out"
        return self.document.check_response(method, path, status, self.response_headers, received, what)

    def follow(self, path, link):
        """Asks for a next_page."""
        assert link.startswith(f"{self.origin}{path}?"), link
        return self.ask("GET", path, link.split("?", 1)[1])


def new_document():
    """The file. The import is here, so that the other tests need no packages of Python."""
    from openapi import Document

    return Document(FILE)


def ask_for_engagements(client):
    """Listings, engagements, their transcripts, and what changes an engagement. Returns the URLs of recordings."""
    simulator, sites = client.simulator, [("site_ids[]", s) for s in client.simulator.sites]
    listed = []
    page = client.ask("GET", "/engagements", [*sites, ("per_page", 100), ("order", "asc")])
    while True:
        listed += page["engagements"]
        if not page["next_page"]:
            break
        page = client.follow("/engagements", page["next_page"])
    assert len({e["id"] for e in listed}) == len(simulator.truth())
    page = client.ask("GET", "/engagements", sites)
    assert (
        len(page["engagements"]) == 30 and page["engagements"][0]["id"] == listed[-1]["id"]
    ), "newest first, 30 of them"
    simulator.call("/drop-cursors")
    client.ask("GET", "/engagements", page["next_page"].split("?", 1)[1], status=404)
    window = {"start_date": listed[0]["created_at"], "end_date": listed[9]["created_at"]}
    page = client.ask("GET", "/engagements", [*sites, *window.items()])
    assert {e["id"] for e in listed[:10]} <= {e["id"] for e in page["engagements"]}, "the ends are part of the range"
    operator = listed[0]["operators"][0]["href"].rsplit("/", 1)[1]
    page = client.ask("GET", "/engagements", [*sites, ("operator_ids[]", operator)])
    assert all(operator in json.dumps(e["operators"]) for e in page["engagements"])
    client.ask("GET", "/engagements", status=422)
    client.ask("GET", "/engagements", [*sites, ("per_page", 101)], status=422)
    client.ask("GET", "/engagements", [*sites, ("start_date", "yesterday")], status=400)
    client.ask("GET", "/engagements", [("site_ids[]", "another")], status=403)
    for e in listed[-60:]:  # ongoing ones are among the newest
        one = client.ask("GET", "/engagements/{engagement_id}", path_values=[e["id"]])
        assert {**one, "legs": None} == {**e, "legs": None}
        client.ask("GET", "/engagements/{engagement_id}/chat_transcript", path_values=[e["id"]])
    client.ask("GET", "/engagements/queue/wait_duration")
    one = "/engagements/{engagement_id}"
    for body in ({"action": "end"}, {"action": "end", "reason": "error"}):
        client.ask("PATCH", one, path_values=[listed[-1]["id"]], body=json.dumps(body))
    client.ask("PATCH", one, path_values=[listed[-1]["id"]], body="{}", status=422)
    client.ask("POST", one + "/export", path_values=[listed[-1]["id"]], body="{}")
    client.ask("POST", one + "/export", path_values=[listed[-1]["id"]], status=415)
    for method, path in (("GET", one), ("PATCH", one), ("POST", one + "/export"), ("GET", one + "/chat_transcript")):
        client.ask(method, path, path_values=["none"], body="{}" if method != "GET" else None, status=404)
    return [url for e in listed for url in e["audio_recording_urls"]]


def ask_for_recordings(client, urls):
    """Recordings, as URL and as redirect, and their files, as a whole and from a byte on."""
    path, file = "/sub_engagements/{sub_engagement_id}/recordings/{recording_id}", "/recording-files/{recording_id}"
    parts = urllib.parse.urlsplit(urls[0]).path.split("/")
    values = [parts[2], parts[4]]
    client.ask("GET", path, path_values=values, status=204)
    link = client.ask("GET", path, path_values=values)["url"]
    client.simulator.call("/recordings", how="redirect", length=2000)
    client.ask("GET", path, path_values=values, status=302)
    assert client.response_headers["Location"].split("?")[0] == link.split("?")[0]

    def load(status, **headers):
        query = link.split("?", 1)[1]
        return client.ask("GET", file, query, path_values=[parts[4]], headers=headers, status=status)

    for validator in ("strong", "date"):
        client.simulator.call("/recordings", validator=validator, length=2000)
        whole = load(200)
        version = client.response_headers["ETag" if validator == "strong" else "Last-Modified"]
        assert load(206, **{"Range": "bytes=100-", "If-Range": version}) == whole[100:]
        assert load(200, **{"Range": "bytes=100-", "If-Range": "another"}) == whole
        load(416, **{"Range": f"bytes={len(whole)}-", "If-Range": version})


def ask_for_the_directory(client):
    """Operators, queues and sites, with every way in which they are refused."""
    simulator, sites = client.simulator, [("site_ids[]", s) for s in client.simulator.sites]
    for path, query in (("/operators", [("include_disabled", "true")]), ("/queues", sites)):
        kind, one = path[1:], f"{path}/{{{path[1:-1]}_id}}"
        page = client.ask("GET", path, [*query, ("page", 1), ("per_page", 7)])
        listed = page[kind]
        while "next_page" in page:
            page = client.follow(path, page["next_page"])
            listed += page[kind]
        assert len(listed) == len(client.ask("GET", path, [*query, ("per_page", 1000)])[kind]) > 7
        for record in listed[:5]:
            client.ask("GET", one, path_values=[record["id"]])
        client.ask("GET", one, path_values=["none"], status=404)
        client.ask("GET", path, [*query, ("per_page", 0)], status=422)
        simulator.call("/directory-refuse", kind=kind)
        client.ask("GET", path, query, status=403)
        client.ask("GET", one, path_values=["none"], status=403)
        simulator.call("/directory-refuse", kind=kind, code=0)
    client.ask("GET", "/queues", status=422)
    simulator.call("/directory-shape", bare=1)
    assert isinstance(client.ask("GET", "/operators"), list)
    for site in simulator.sites:
        client.ask("GET", "/sites/{site_id}", path_values=[site])
    client.ask("GET", "/sites/{site_id}", path_values=["none"], status=404)
    simulator.call("/directory-refuse", kind="sites")
    client.ask("GET", "/sites/{site_id}", path_values=[simulator.sites[0]], status=403)
    simulator.call("/directory-refuse", kind="sites", code=0)


def ask_for_statistics(client):
    """The four reports, by all their dimensions and by none."""
    simulator = client.simulator
    query = {
        "start_date": simulator.start,
        "end_date": simulator.end,
        "granularity": "all",
        "query_type": "group_by",
        **HALF_HOUR_FILTER,
    }
    sources = {
        "/engagements/stats/queue/wait_duration": "queue_wait",
        "/engagements/stats/duration": "handle",
        "/engagements/stats/post_engagement_duration": "wrap_up",
        "/operators/stats/online_duration": "operator_state",
    }
    for path, source in sources.items():
        parameters = client.document.operation("POST", path)["parameters"]
        (dimensions,) = (p["schema"]["items"]["enum"] for p in parameters if p["name"] == "dimensions[]")
        rows = client.ask("POST", path, [*query.items(), *(("dimensions[]", d) for d in dimensions)])
        (total,) = client.ask("POST", path, query)
        assert total["seconds"] == sum(row["seconds"] for row in rows) > 0
        selected = {"type": "in", "dimension": "site_id", "values][0": simulator.sites[0]}
        conditions = {f"filter[fields][1][{k}]": v for k, v in selected.items()}
        (part,) = client.ask("POST", path, {**query, **conditions})
        assert part["seconds"] == sum(r["seconds"] for r in rows if r["site_id"] == simulator.sites[0])
        client.ask("POST", path, {**query, "granularity": "day"}, status=422)
        simulator.call("/statistics-refuse", source=source)
        client.ask("POST", path, query, status=403)
        simulator.call("/statistics-refuse", source=source, code=0)


def ask_for_tokens(client):
    """Exchanges an API key for tokens, which are then accepted."""
    key = {"api_key_id": "key-id", "api_key_secret": "key-secret"}
    json_headers = {"Content-Type": "application/json", "Accept": ACCEPT}
    for path, name in (("/operator_authentication/tokens", "token"), ("/sites/tokens", "access_token")):
        token = client.ask("POST", path, body=json.dumps(key, separators=(",", ":")), headers=json_headers)[name]
        client.ask("POST", path, body="{}", headers=json_headers, status=401)
        headers = {"Authorization": "Bearer " + token, "Accept": ACCEPT}
        client.ask("GET", "/engagements/queue/wait_duration", headers=headers)


def ask_in_vain(client):
    """Each operation without a token, with another Accept, beyond the rate limit, and while the API is down."""
    for method, path, operation in client.document.operations():
        values = ["0"] * path.count("{")
        good = {"Authorization": f"Bearer {client.simulator.token}", "Accept": ACCEPT}
        needs_token = operation.get("security") != []
        if needs_token:
            client.ask(method, path, path_values=values, headers={"Accept": ACCEPT}, status=401)
            client.ask(method, path, path_values=values, headers={**good, "Accept": "application/json"}, status=406)
        for code in (500, 503):
            client.simulator.fault("status", code=code, retry_after="1")
            client.ask(method, path, path_values=values, headers=good, status=code)
        if "429" in operation["responses"]:
            client.simulator.fault("status", code=429)
            client.ask(method, path, path_values=values, headers=good, status=429)
    status, _, body = client.send("GET", "/elsewhere")
    assert status == 404
    client.document.validate(json.loads(body), {"$ref": "#/components/schemas/Error"}, "GET /elsewhere")
    limited = Simulator(engagements=10, rps=2)
    hurried = Client(client.document, limited)
    path, query = "/engagements", {"site_ids[]": limited.sites[0]}
    for _ in range(20):
        try:
            hurried.ask("GET", path, query, status=429)
            break
        except AssertionError as error:
            assert ": 200 " in str(error), error
    assert hurried.response_headers["Retry-After"] == "1"


@test
def the_openapi_file_says_what_the_simulator_answers():
    document = new_document()
    problems = list(document.problems())
    assert not problems, problems
    simulator = Simulator(engagements=400, sites=2, days=30, seed=7)
    client = Client(document, simulator)
    ask_for_recordings(client, ask_for_engagements(client))
    ask_for_the_directory(client)
    ask_for_statistics(client)
    ask_for_tokens(client)
    ask_in_vain(client)
    simulator = Simulator(engagements=250, sites=1, days=30, seed=7, legs_in_list=True)
    client = Client(document, simulator)
    page = client.ask("GET", "/engagements", {"site_ids[]": simulator.sites[0], "per_page": 100})
    while page["next_page"]:
        assert all(e["legs"] for e in page["engagements"])
        page = client.follow("/engagements", page["next_page"])

    unseen = document.unseen_statuses()
    assert not unseen, f"no response had these statuses: {unseen}"
    for pointer, name, schema in document.members():
        seen, simulated = (pointer, name) in document.seen_members, schema.get("x-simulated", True)
        assert seen == simulated, f"{pointer}: {name} was {'' if seen else 'not '}seen, but x-simulated says otherwise"


@test
def every_path_of_the_simulator_is_in_the_openapi_file():
    document = new_document()
    sources = {path.rsplit("/", 1)[1]: open(path).read() for path in glob.glob(TOP + "/tests/simulator/*.cpp")}
    api = re.search(r"class Api \{.*?\n\};", sources["main.cpp"], re.S)[0]
    served = set(re.findall(r'"(/[a-z_/-]+)"', api))
    served |= {"/" + what for what in re.findall(r'what == "(\w+)"', api)}
    served |= set(re.findall(r'\{"(/[a-z_/]+)", "\w+"\}', sources["statistics.cpp"]))
    served |= {"/" + kind for kind in re.findall(r'records_\["(\w+)"\]\.push_back', sources["directory.cpp"])}
    assert len(served) >= 15, served
    paths = document.root["paths"]
    for path in served:
        # Some texts are only the beginning, the middle or the end of a path.
        found = [p for p in paths if (path.strip("/") + "/") in p.lstrip("/") + "/"]
        assert found, f"the simulator serves {path}, which is not in the file"


@test
def a_departure_from_the_openapi_file_is_found():
    document = new_document()
    simulator = Simulator(engagements=200, days=30)
    departures = {
        "a member that is not in the file": lambda e: e["properties"].pop("visitor_browser"),
        "a member of another type": lambda e: e["properties"].update(duration={"type": "string"}),
        "a member that is not sent": lambda e: e["required"].append("updated_at"),
        "a value that is not known": lambda e: e["properties"]["platform"]["x-extensible-enum"].remove("omnicore"),
        "a time of another form": lambda e: e["properties"].update(created_at={"pattern": "[+]00:00$"}),
    }
    whole = document.root
    for what, depart in departures.items():
        document.root = copy.deepcopy(whole)
        document.find_objects(document.root, "#")
        depart(document.root["components"]["schemas"]["Engagement"])
        try:
            Client(document, simulator).ask("GET", "/engagements", {"site_ids[]": simulator.sites[0]})
        except AssertionError:
            continue
        raise AssertionError(f"the check does not detect {what}")
    document.root = copy.deepcopy(whole)
    del document.root["paths"]["/engagements"]["get"]["responses"]["422"]
    try:
        Client(document, simulator).ask("GET", "/engagements", status=422)
    except AssertionError:
        return
    raise AssertionError("the check does not detect a status that the file lacks")
