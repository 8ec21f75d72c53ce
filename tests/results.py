#!/usr/bin/env python3
"""Sums up test runs: a line per part, the names of what failed, and one plain line with the totals.

    results.py [--promises=FILE] PART=FILE...

FILE is the .json log of a `meson test` run. A libcheck suite counts as many tests as it has checks; a
program that writes TAP, or ends its output with "N passed, N failed, N skipped", counts as it says;
any other is one test. A part without a log, or whose log holds no test, did not run: that is a failure.

--promises names the tests that show each promise of docs/safety.md, "PROGRAM" or "PROGRAM:CASE/TEST" with
"[N]" for one round of a loop: a promise of which one did not run, or failed in any part, is a failure too.
"""

import json
import re
import sys
from dataclasses import dataclass, field

CHECKS = re.compile(r"^\d+%: Checks: (\d+), Failures: (\d+), Errors: (\d+)$", re.MULTILINE)
TOTALS = re.compile(r"^(\d+) passed, (\d+) failed, (\d+) skipped$", re.MULTILINE)
CHECK = re.compile(r"^.*?:\d+:([PFE]):([^:\n]+):([^:\n]+):(\d+): ", re.MULTILINE)
TAP = re.compile(r"^(ok|not ok)\b(?!.*# SKIP)|^ok\b.*# (SKIP)", re.MULTILINE)


@dataclass
class Counts:
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    seconds: float = 0.0
    failures: list = field(default_factory=list)

    def add(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped
        self.seconds += other.seconds
        self.failures += other.failures


def counts_of_output(text):
    if checks := CHECKS.findall(text):
        total, failures, errors = (int(number) for number in checks[-1])
        return Counts(total - failures - errors, failures + errors)
    if totals := TOTALS.findall(text):
        return Counts(*(int(number) for number in totals[-1]))
    tap = ["".join(groups) for groups in TAP.findall(text)]
    return Counts(tap.count("ok"), tap.count("not ok"), tap.count("SKIP"))


def counts_of_test(test):
    counts = counts_of_output(test.get("stdout", ""))
    counts.seconds = test["duration"]
    result = test["result"]
    if result == "SKIP":
        counts.skipped += 1
    elif result in ("OK", "EXPECTEDFAIL"):
        # what a program counts must agree with how it ends
        if counts.failed == 0 and counts.passed + counts.skipped == 0:
            counts.passed = 1
    elif counts.failed == 0:
        counts.failed = 1
    if counts.failed > 0:
        counts.failures.append(f"{test['name']} ({result.lower()}, {counts.failed} failed)")
    return counts


def tests_of_part(path):
    try:
        with open(path, encoding="utf-8") as log:
            return [json.loads(line) for line in log if line.strip()]
    except FileNotFoundError:
        return []


def counts_of_part(tests):
    counts = Counts()
    if not tests:
        return Counts(failed=1, failures=["nothing ran"])
    for test in tests:
        counts.add(counts_of_test(test))
    return counts


def note_outcomes(outcomes, test):
    """Adds whether each test passed, by its names: program, test of it, round of a loop."""
    program = test["name"].rsplit(" / ", 1)[-1]
    is_good = test["result"] in ("OK", "EXPECTEDFAIL")
    outcomes.setdefault(program, []).append(is_good)
    for outcome, case, name, number in CHECK.findall(test.get("stdout", "")):
        for known in (f"{program}:{case}/{name}", f"{program}:{case}/{name}[{number}]"):
            outcomes.setdefault(known, []).append(outcome == "P")


def broken_promises(path, outcomes):
    with open(path, encoding="utf-8") as file:
        promises = json.load(file)
    broken = []
    for promise in promises:
        for test in promise["tests"] or ["no test"]:
            if test not in outcomes:
                broken.append(f"{promise['name']} ({test} did not run)")
                break
            if not all(outcomes[test]):
                broken.append(f"{promise['name']} ({test} failed)")
                break
    print(f"promises   {len(promises) - len(broken):5} kept   {len(broken):5} broken")
    for name in broken:
        print(f"           failed: {name}")
    return len(broken)


def main():
    total = Counts()
    promises = None
    outcomes = {}
    print()
    for argument in sys.argv[1:]:
        part, path = argument.split("=", 1)
        if part == "--promises":
            promises = path
            continue
        tests = tests_of_part(path)
        for test in tests:
            note_outcomes(outcomes, test)
        counts = counts_of_part(tests)
        print(
            f"{part:<10} {counts.passed:5} passed {counts.failed:5} failed"
            f" {counts.skipped:5} skipped {counts.seconds:8.1f} s of tests"
        )
        for failure in counts.failures:
            print(f"           failed: {failure}")
        total.add(counts)
    if promises is not None:
        total.failed += broken_promises(promises, outcomes)
    print(f"{total.passed} passed, {total.failed} failed, {total.skipped} skipped")
    return 1 if total.failed else 0


if __name__ == "__main__":
    sys.exit(main())
