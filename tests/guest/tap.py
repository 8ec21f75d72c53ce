"""Test rows printed in the Test Anything Protocol, which meson and ./dev count."""

import re
import sys
import time
import traceback


class Skip(Exception):
    pass


class Rows:
    """Collects rows; each is a function of no argument. A failing row does not stop the others."""

    def __init__(self):
        self.rows = []
        self.failed = 0

    def add(self, name, function):
        self.rows.append((name, function))

    def run(self, pattern=""):
        rows = [row for row in self.rows if re.search(pattern, row[0])]
        print("TAP version 13", flush=True)
        print(f"1..{len(rows)}", flush=True)
        for number, (name, function) in enumerate(rows, 1):
            self.run_one(number, name, function)
        return 1 if self.failed else 0

    def run_one(self, number, name, function):
        start = time.monotonic()
        try:
            function()
            print(f"ok {number} - {name}", flush=True)
        except Skip as reason:
            print(f"ok {number} - {name} # SKIP {reason}", flush=True)
        except Exception:  # whatever went wrong is this row's result
            self.failed += 1
            print(f"not ok {number} - {name}", flush=True)
            for line in traceback.format_exc().splitlines():
                print(f"# {line}", flush=True)
        print(f"# {time.monotonic() - start:.1f} s", file=sys.stderr, flush=True)
