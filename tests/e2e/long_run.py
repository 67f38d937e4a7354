"""How a test that runs for minutes or hours ends: one line with the verdict, and its log kept if it failed."""

import shutil
import traceback


def report(name, long_run, perform, again=""):
    """Performs a long run, whose `log` and close() it uses; returns the exit code. `name`: KIND/DETAILS. `perform`
    returns the text that is printed on success. `again`: the command that repeats it."""
    failed, kept = True, f"/tmp/glia-sync-{name.split('/')[0]}.log"
    try:
        print(f"ok {name} ({perform()})", flush=True)
        failed = False
    except Exception as error:
        repeat = f"again: {again}; " if again else ""
        print(f"FAILED {name}: {str(error)[-1500:]} ({repeat}its log: {kept})", flush=True)
        if not isinstance(error, AssertionError):
            traceback.print_exc()
    finally:
        if failed:
            long_run.log.flush()
            shutil.copy(long_run.log.name, kept)
        long_run.close()
    return 1 if failed else 0
