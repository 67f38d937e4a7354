#!/usr/bin/env python3
"""Makes DICTIONARY.md: what analysts need to know, from the comments in a migrated database and the questions beside
this file, with the answers that the database gives.

generate.py DSN [SCHEMA]     prints it; the role needs no more than glia_reader has
"""
import glob, os, subprocess, sys
HERE = os.path.dirname(os.path.abspath(__file__))

DIAGRAM = """```mermaid
erDiagram
    engagements ||--o{ legs : "engagement_id"
    engagements ||--|{ engagement_sites : "engagement_id"
    engagements ||--o{ engagement_operators : "engagement_id"
    engagements ||--o{ engagement_queues : "engagement_id"
    engagements ||--o{ audio_recordings : "engagement_id"
    engagements ||--o{ chat_messages : "engagement_id"
    legs ||--o{ leg_queues : "engagement_id, leg_id"
    engagement_queues }o--|| queues : "queue_id"
    leg_queues }o--|| queues : "queue_id"
    legs }o--o| operators : "operator_id"
    legs }o--o| sites : "site_id"
    operators ||--o{ operator_sites : "operator_id"
    queues }o--o| sites : "site_id"
    operators ||--o{ name_history : "kind, id"
```"""

HEAD = """# Data dictionary

For analysts. Made by `config/analytics/generate.py` from the comments in the database (`\\\\d+` in psql shows the same), so
that it says what the tables hold. Times are UTC, but for the columns `…_local`; durations are whole seconds unless a column says otherwise. Nothing
enforces the lines of the diagram: an engagement and what belongs to it are written in one transaction.

Begin with the views: they answer most questions, and show nothing that tells who a visitor is. Columns marked
"Personal data" may be empty or hashed (`privacy` in the configuration), or hidden from the reader
(`roles.sql -v visitor_data=no`). Figures are as complete as `freshness` says."""


def psql(dsn, *arguments):
    run = subprocess.run(["psql", "-Xq", "-v", "ON_ERROR_STOP=1", "-d", dsn, *arguments], capture_output=True, text=True)
    if run.returncode: sys.exit(run.stderr)
    return run.stdout


def schema_part(dsn, schema):
    return psql(dsn, "-At", "-v", f"schema={schema}", "-f", f"{HERE}/dictionary.sql").strip()


def questions():
    """(title, SQL) of each question file, in their order."""
    for file in sorted(glob.glob(f"{HERE}/questions/*.sql")):
        with open(file) as f: title, sql = f.read().split("\n", 1)
        yield title.removeprefix("-- "), sql.strip()


def answer(dsn, schema, sql):
    return psql(dsn, "-P", "footer=off", "-c", f"SET search_path = {schema}", "-c", sql).rstrip()


def main():
    dsn, schema = sys.argv[1], (sys.argv[2:] or ["glia"])[0]
    print(HEAD, "\n\n## What belongs to what\n\n", DIAGRAM, "\n\n## Views and tables\n\n", schema_part(dsn, schema), "\n\n## Twelve questions\n", sep="")
    print("With `SET search_path = glia`. The answers are those of a simulated contact centre.\n")
    for number, (title, sql) in enumerate(questions(), 1):
        print(f"### {number}. {title}\n\n```sql\n{sql}\n\n{answer(dsn, schema, sql)}\n```\n")


if __name__ == "__main__": main()
