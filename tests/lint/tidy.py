#!/usr/bin/env python3
"""clang-tidy says nothing about any source file: tidy.py BUILD

A file that passed is not looked at again until it, a header it includes, its compile command or a
.clang-tidy changes: BUILD/tidy keeps a mark for each passed state.
"""

import hashlib
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import compiler
import includes
import tree


def state_of(name, command, direct):
    """A digest of all that the result depends on, system headers excepted."""
    digest = hashlib.sha256()
    for path in [*tree.files(".clang-tidy"), name, *sorted(includes.closure_of(name, direct))]:
        digest.update(path.encode() + b"\0" + tree.text(path).encode() + b"\0")
    digest.update("\0".join(command).encode())
    return digest.hexdigest()


def check(name, build, mark):
    if os.path.exists(mark):
        return []
    run = subprocess.run(
        ["clang-tidy", "--quiet", "-p", build, os.path.join(tree.TOP, name)],
        capture_output=True,
        text=True,
        check=False,
    )
    output = run.stdout.strip()
    if run.returncode == 0 and not output:
        with open(mark, "w", encoding="utf-8"):
            pass
        return []
    return [f"{name}: clang-tidy\n{output or run.stderr.strip()}"]


def main():
    build = sys.argv[1]
    marks = os.path.join(build, "tidy")
    os.makedirs(marks, exist_ok=True)
    commands = compiler.commands(build)
    # what is generated into the build folder is not ours to tidy
    names = [name for name in tree.files(".c") if name in commands]
    direct = {
        name: [path for kind, path in includes.includes_of(name) if kind == '"']
        for name in tree.files(".c", ".h")
    }

    def check_one(name):
        return check(name, build, os.path.join(marks, state_of(name, commands[name], direct)))

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        results = pool.map(check_one, names)
    tree.finish(names, [complaint for result in results for complaint in result])


if __name__ == "__main__":
    main()
