#!/usr/bin/env python3
"""No file tells where it was written: neither a path nor the package archive of some machine.

The archive's host is asked of apt, so that it need not stand here either.
"""

import os
import re
import subprocess
from urllib.parse import urlparse

import tree

# folders of a person's or a build machine's, which mean nothing anywhere else
PATHS = re.compile(r"(?<![\w./$}-])/(work|home/\w+|root/\w+|builds?/\w+)/\S*")


def archive_hosts():
    listed = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(REPO_URI)"],
        capture_output=True,
        text=True,
        check=False,
    ).stdout.split()
    sources = ""
    if os.path.exists("/etc/apt/sources.list"):
        with open("/etc/apt/sources.list", encoding="utf-8") as file:
            sources = file.read()
    uris = [*listed, *re.findall(r"\bhttps?://\S+", sources)]
    return {urlparse(uri).hostname for uri in uris} - {None}


def main():
    hosts = archive_hosts()
    names = tree.files()
    complaints = []
    for name in names:
        for number, line in enumerate(tree.text(name).split("\n"), 1):
            if match := PATHS.search(line):
                complaints.append(f"{name}:{number}: path of a machine: {match[0]}")
            for host in hosts:
                if host in line:
                    complaints.append(f"{name}:{number}: names a package archive's host")
    tree.finish(names, complaints)


if __name__ == "__main__":
    main()
