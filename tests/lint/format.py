#!/usr/bin/env python3
"""clang-format leaves every C file as it is."""

import os
import subprocess

import tree


def main():
    names = tree.files(".c", ".h")
    run = subprocess.run(
        ["clang-format", "--dry-run", "--Werror", "--ferror-limit=1", *names],
        cwd=tree.TOP,
        capture_output=True,
        text=True,
        check=False,
    )
    complaints = [line for line in run.stderr.splitlines() if ": error:" in line]
    if run.returncode != 0 and not complaints:
        complaints = [f"clang-format: {run.stderr}"]
    tree.finish(names, [f"{os.path.normpath(line)} (clang-format -i)" for line in complaints])


if __name__ == "__main__":
    main()
