#!/usr/bin/env python3
"""Every header compiles alone, as C11, without a warning: headers.py BUILD"""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import compiler
import tree


def check(name, build, flags):
    run = subprocess.run(
        ["cc", "-fsyntax-only", "-Werror", "-x", "c", *flags, "-"],
        # included twice: a header without its guard is found as well
        input=f'#include "{name}"\n#include "{name}"\n',
        cwd=build,
        capture_output=True,
        text=True,
        check=False,
    )
    return [] if run.returncode == 0 else [f"{name}: does not compile alone\n{run.stderr}"]


def main():
    build = sys.argv[1]
    flags = [f"-I{tree.TOP}", *compiler.header_flags(build), "-Wno-pragma-once-outside-header"]
    names = tree.files(".h")
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        results = pool.map(lambda name: check(name, build, flags), names)
    tree.finish(names, [complaint for result in results for complaint in result])


if __name__ == "__main__":
    main()
