"""End to end: what sync_runs tells of passes that failed."""
from harness import *


@test
def a_pass_that_fails_leaves_its_error_in_sync_runs_once():
    _, program = world(50, sites=1, sync__revisit=[], api__max_retries=0)
    program.settings["api"]["base_url"] = "http://127.0.0.1:1"
    program.configure(program.settings)
    for _ in range(3): assert program.run("run", "--once").code == 69
    runs = program.sql("SELECT mode, times, error <> '' FROM glia.sync_runs")
    assert runs == "incremental|3|t", runs
