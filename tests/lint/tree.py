"""The files of the repository that a check looks at, and how a check ends."""

import os
import subprocess
import sys

# LINT_TREE: another tree, which the checks' own test makes
TOP = os.environ.get("LINT_TREE") or os.path.dirname(
    os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
)


def files(*endings):
    """Paths from the root, of files in git or about to be; all without an ending given."""
    listed = subprocess.run(
        ["git", "-C", TOP, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split("\0")
    wanted = {name for name in listed if name and name.endswith(endings or ("",))}
    return sorted(name for name in wanted if os.path.isfile(os.path.join(TOP, name)))


def text(name):
    with open(os.path.join(TOP, name), encoding="utf-8", errors="replace") as file:
        return file.read()


def finish(checked, complaints):
    """One row per file: prints what is wrong and the totals that tests/results.py reads."""
    wrong = {complaint.split(":", 1)[0] for complaint in complaints}
    for complaint in complaints:
        print(complaint)
    print(f"{len(set(checked) - wrong)} passed, {len(wrong)} failed, 0 skipped")
    sys.exit(1 if complaints else 0)
