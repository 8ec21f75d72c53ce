#!/usr/bin/env python3
"""A promise without a test that ran and passed is a failure of the whole run: what tests/results.py says
of small logs, a row each."""

import json
import pathlib
import subprocess
import sys
import tempfile

RESULTS = pathlib.Path(__file__).resolve().parents[1] / "results.py"

CHECKS = "100%: Checks: 3, Failures: 0, Errors: 0\n"
LOOP = CHECKS + "t.c:1:P:case:each:0: Passed\nt.c:1:P:case:each:1: Passed\nt.c:1:P:case:one:0: Passed\n"
BROKEN = (
    "66%: Checks: 3, Failures: 1, Errors: 0\nt.c:1:P:case:each:0: Passed\n"
    "t.c:9:F:case:each:1: Assertion 'x' failed\nt.c:1:P:case:one:0: Passed\n"
)

# what it is, results and outputs of program test-a by part, the promise's tests, whether it is kept
ROWS = [
    ("a test that passed", [("OK", LOOP)], ["test-a:case/one"], True),
    ("all of a loop", [("OK", LOOP)], ["test-a:case/each"], True),
    ("one round of a loop", [("OK", LOOP)], ["test-a:case/each[1]"], True),
    ("several tests", [("OK", LOOP)], ["test-a:case/each", "test-a:case/one"], True),
    ("in two parts", [("OK", LOOP), ("OK", LOOP)], ["test-a:case/one"], True),
    ("a whole program", [("OK", "")], ["test-a"], True),
    ("no test", [("OK", LOOP)], [], False),
    ("a test that is not there", [("OK", LOOP)], ["test-a:case/two"], False),
    ("in another case", [("OK", LOOP)], ["test-a:other/one"], False),
    ("a program that is not there", [("OK", LOOP)], ["test-b:case/one"], False),
    ("a round that is not there", [("OK", LOOP)], ["test-a:case/each[2]"], False),
    ("one that is there and one that is not", [("OK", LOOP)], ["test-a:case/one", "test-b"], False),
    ("a round that failed", [("FAIL", BROKEN)], ["test-a:case/each[1]"], False),
    ("the loop it is of", [("FAIL", BROKEN)], ["test-a:case/each"], False),
    ("not the other round", [("FAIL", BROKEN)], ["test-a:case/each[0]"], True),
    ("not the other test", [("FAIL", BROKEN)], ["test-a:case/one"], True),
    ("failed in one of two parts", [("OK", LOOP), ("FAIL", BROKEN)], ["test-a:case/each"], False),
    ("a whole program that failed", [("FAIL", BROKEN)], ["test-a"], False),
    ("a whole program that was skipped", [("SKIP", "")], ["test-a"], False),
    ("one that timed out before it", [("TIMEOUT", "")], ["test-a:case/one"], False),
]


def run(folder, runs, tests):
    arguments = []
    for index, (result, text) in enumerate(runs):
        log = folder / f"{index}.json"
        line = {"name": "fascia:x / test-a", "stdout": text, "result": result, "duration": 1}
        log.write_text(json.dumps(line) + "\n", encoding="utf-8")
        arguments.append(f"part{index}={log}")
    promises = folder / "promises.json"
    promises.write_text(json.dumps([{"name": "row 1", "tests": tests}]), encoding="utf-8")
    arguments.append(f"--promises={promises}")
    return subprocess.run(
        [sys.executable, RESULTS, *arguments], capture_output=True, text=True, check=False
    )


def is_right(runs, tests, is_kept):
    with tempfile.TemporaryDirectory() as folder:
        result = run(pathlib.Path(folder), runs, tests)
    lines = result.stdout.splitlines()
    failed_tests = sum(text.count(":F:") or kind == "TIMEOUT" for kind, text in runs)
    failed = failed_tests + (not is_kept)
    return (
        f" {failed} failed, " in lines[-1]
        and (result.returncode != 0) == (failed > 0)
        and any(line.startswith("           failed: row 1") for line in lines) != is_kept
    )


def main():
    failed = 0
    for name, runs, tests, is_kept in ROWS:
        if not is_right(runs, tests, is_kept):
            print(f"{name}: not {'kept' if is_kept else 'broken'}")
            failed += 1
    print(f"{len(ROWS) - failed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
