#!/usr/bin/env python3
"""Makes DICTIONARY.md: what analysts need to know, from the comments in a migrated database and the questions beside
this file, with the answers that the database gives.

generate.py DSN [SCHEMA]     prints it; the role needs no more than glia_reader has
"""

import glob
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))


def words(name):
    """The text of dictionary_NAME.md: Markdown, whose tables have long lines."""
    with open(f"{HERE}/dictionary_{name}.md") as f:
        return f.read().rstrip("\n")


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
    queue_wait_intervals }o--o| queues : "queue_id"
    handle_intervals }o--o| operators : "operator_id"
    wrap_up_intervals }o--o| operators : "operator_id"
    operator_state_intervals }o--o| operators : "operator_id"
    operators ||--o{ name_history : "kind, id"
```"""

HEAD = words("head")

METRICS = words("metrics")

TRAPS = words("traps")

VALUES = {
    "engagements": ["engagement_type", "source", "platform", "visitor_device_type"],
    "legs": [
        "request_type",
        "request_source",
        "offered_media_type",
        "accepted_media_type",
        "highest_visitor_media_type",
        "highest_operator_media_type",
        "end_reason",
    ],
    "chat_messages": ["sender_type", "type"],
    "operators": ["role"],
    "queues": ["status", "when_unstaffed"],
    "queue_wait_intervals": ["outcome", "from_transfer", "media"],
    "handle_intervals": ["type", "end_reason"],
    "operator_state_intervals": ["state"],
}
MAX_VALUES = 20


def psql(dsn, *arguments):
    run = subprocess.run(
        ["psql", "-Xq", "-v", "ON_ERROR_STOP=1", "-d", dsn, *arguments], capture_output=True, text=True
    )
    if run.returncode:
        sys.exit(run.stderr)
    return run.stdout


def schema_part(dsn, schema):
    return psql(dsn, "-At", "-v", f"schema={schema}", "-f", f"{HERE}/dictionary.sql").strip()


def values_part(dsn, schema):
    """The most frequent values of each column in VALUES, with their counts."""
    lines = ["| column | values that occur, the most frequent first |", "| --- | --- |"]
    for table, columns in VALUES.items():
        for column in columns:
            found = psql(
                dsn,
                "-At",
                "-c",
                f"SELECT coalesce('`' || {column} || '`', 'NULL') || ' ' || count(*) FROM {schema}.{table} "
                f"GROUP BY {column} ORDER BY count(*) DESC, {column} LIMIT {MAX_VALUES}",
            ).split("\n")
            lines.append(
                f"| `{table}.{column}` | "
                f"{', '.join(v for v in found if v).replace('|', '/') or 'none: the table is empty'} |"
            )
    return "\n".join(lines)


def questions():
    """(title, SQL) of each question file, in their order."""
    for file in sorted(glob.glob(f"{HERE}/questions/*.sql")):
        with open(file) as f:
            title, sql = f.read().split("\n", 1)
        yield title.removeprefix("-- "), sql.strip()


def answer(dsn, schema, sql):
    return psql(dsn, "-P", "footer=off", "-c", f"SET search_path = {schema}", "-c", sql).rstrip()


def main():
    dsn, schema = sys.argv[1], (sys.argv[2:] or ["glia"])[0]
    print(
        HEAD,
        "\n\n## What figures mean\n\n",
        METRICS,
        "\n\n## What is easily misread\n\n",
        TRAPS,
        "\n\n## What belongs to what\n\n",
        DIAGRAM,
        "\n\n## Views and tables\n\n",
        schema_part(dsn, schema),
        (
            "\n\n## Values that occur\n\n"
            "These values are in the database from which this page was made. Another database may have other values: "
            "`generate.py DSN` makes this page from it.\n\n"
        ),
        values_part(dsn, schema),
        "\n\n## Twenty-four questions\n",
        sep="",
    )
    print("With `SET search_path = glia`. The answers are those of a simulated contact centre.\n")
    for number, (title, sql) in enumerate(questions(), 1):
        print(f"### {number}. {title}\n\n```sql\n{sql}\n\n{answer(dsn, schema, sql)}\n```\n")


if __name__ == "__main__":
    main()
