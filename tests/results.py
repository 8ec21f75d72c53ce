#!/usr/bin/env python3
"""Sums up test runs: a line per part, the names of what failed, and one plain line with the totals.

    results.py PART=FILE...

FILE is the .json log of a `meson test` run. A libcheck suite counts as many tests as it has checks; a
program that writes TAP, or ends its output with "N passed, N failed, N skipped", counts as it says;
any other is one test. A part without a log, or whose log holds no test, did not run: that is a failure.
"""

import json
import re
import sys
from dataclasses import dataclass, field

CHECKS = re.compile(r"^\d+%: Checks: (\d+), Failures: (\d+), Errors: (\d+)$", re.MULTILINE)
TOTALS = re.compile(r"^(\d+) passed, (\d+) failed, (\d+) skipped$", re.MULTILINE)
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


def counts_of_part(path):
    counts = Counts()
    try:
        with open(path, encoding="utf-8") as log:
            tests = [json.loads(line) for line in log if line.strip()]
    except FileNotFoundError:
        tests = []
    if not tests:
        return Counts(failed=1, failures=["nothing ran"])
    for test in tests:
        counts.add(counts_of_test(test))
    return counts


def main():
    total = Counts()
    print()
    for argument in sys.argv[1:]:
        part, path = argument.split("=", 1)
        counts = counts_of_part(path)
        print(
            f"{part:<10} {counts.passed:5} passed {counts.failed:5} failed"
            f" {counts.skipped:5} skipped {counts.seconds:8.1f} s of tests"
        )
        for failure in counts.failures:
            print(f"           failed: {failure}")
        total.add(counts)
    print(f"{total.passed} passed, {total.failed} failed, {total.skipped} skipped")
    return 1 if total.failed else 0


if __name__ == "__main__":
    sys.exit(main())
