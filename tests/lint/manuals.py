#!/usr/bin/env python3
"""mandoc has nothing to say about the man pages."""

import re
import subprocess

import tree

PAGE = re.compile(r"\.[1-8]$")


def main():
    names = [name for name in tree.files() if name.startswith("docs/") and PAGE.search(name)]
    complaints = []
    for name in names:
        run = subprocess.run(
            ["mandoc", "-T", "lint", "-W", "warning,stop", name],
            cwd=tree.TOP,
            capture_output=True,
            text=True,
            check=False,
        )
        if run.returncode != 0:
            complaints.append(f"{name}: {run.stdout.strip()}")
    tree.finish(names, complaints)


if __name__ == "__main__":
    main()
