"""Measures each view over a month, in a database with 2,000,000 engagements of a year. SQL generates the tables that
the views read, with as many rows as the program would write."""

import os
import re
import statistics

MONTH = ("2025-09-01 00:00Z", "2025-10-01 00:00Z")

with open(os.path.dirname(os.path.abspath(__file__)) + "/views.sql") as rows:
    ROWS = rows.read()

REPORT = "'{0}', '{1}'".format(*MONTH)
VIEWS = {
    "engagement_facts": "created_at",
    "leg_facts": "accepted_at",
    "queue_hourly": "hour",
    "operator_daily": "day",
    "queue_intervals": "day",
    "operator_intervals": "day",
    "transfers": "accepted_at",
    "repeat_contacts": "created_at",
    "chat_facts": "created_at",
    "chat_responses": "created_at",
}
ASKED = {
    **{
        f"{view}, by {column}": f"SELECT * FROM {view} WHERE {column} >= '{MONTH[0]}' AND {column} < '{MONTH[1]}'"
        for view, column in VIEWS.items()
    },
    "queue_report, half hours": f"SELECT * FROM queue_report({REPORT})",
    "queue_report, days": f"SELECT * FROM queue_report({REPORT}, '1 day', 'Europe/Tallinn', empty_intervals => true)",
    "operator_report, half hours": f"SELECT * FROM operator_report({REPORT})",
    "operator_report, days": f"SELECT * FROM operator_report({REPORT}, '1 day', 'Europe/Tallinn')",
    "freshness": "SELECT * FROM freshness",
    "removals": "SELECT * FROM removals",
}


def fill(sql, engagements):
    """Generates the rows in a migrated, empty schema. `sql` executes a text."""
    for statement in ROWS.format(engagements=engagements).split(";\n"):
        if statement.strip():
            sql("SET search_path = glia; SET synchronous_commit = off; " + statement)
    sql("VACUUM ANALYZE")


CPU = (
    "SELECT 'cpu', split_part(stat, ' ', 14)::int + split_part(stat, ' ', 15)::int "
    "FROM pg_read_file('/proc/self/stat') AS stat"
)


def ask(sql, times=3):
    """Reads all columns of a month of each view. Prints the time, the CPU seconds of the backend (without parallel
    workers), and whether a whole table is read or JIT compiles the query."""
    for title, query in ASKED.items():
        plans = [
            sql(f"SET search_path = glia; {CPU}; EXPLAIN (ANALYZE, TIMING OFF) {query}; {CPU}") for _ in range(times)
        ]
        seconds = statistics.median(float(re.search(r"Execution Time: ([\d.]+)", plan)[1]) for plan in plans) / 1000
        cpu = (
            statistics.median(int(b) - int(a) for a, b in (re.findall(r"^cpu\|(\d+)$", plan, re.M) for plan in plans))
            / 100
        )
        rows = re.search(r"rows=(\d+) loops", plans[0])[1]
        big = {"engagements", "legs", "leg_queues", "engagement_queues", "chat_messages"}
        whole = sorted(big & set(re.findall(r"Seq Scan on (\w+)", plans[0])))
        notes = (
            [f"reads all of {', '.join(whole)}"] * bool(whole)
            + ["compiled"] * ("JIT:" in plans[0])
            + ["parallel"] * ("Workers Launched" in plans[0])
        )
        print(
            f"    {seconds:6.2f} s  {cpu:6.2f} s of CPU  {int(rows):>9,} rows  {title:<32}{'; '.join(notes)}",
            flush=True,
        )
