#!/usr/bin/env python3
"""Every script is one its interpreter can read."""

import subprocess

import tree


def interpreter_of(name):
    first = tree.text(name).split("\n", 1)[0]
    for interpreter in ("python3", "bash", "sh"):
        if first.startswith("#!") and first.endswith(interpreter):
            return interpreter
    return "python3" if name.endswith(".py") else None


def check(name, interpreter):
    if interpreter == "python3":
        try:
            compile(tree.text(name), name, "exec")
        except SyntaxError as error:
            return [f"{name}:{error.lineno}: {error.msg}"]
        return []
    run = subprocess.run(
        [interpreter, "-n", name], cwd=tree.TOP, capture_output=True, text=True, check=False
    )
    return [f"{name}: {run.stderr.strip()}"] if run.returncode or run.stderr else []


def main():
    scripts = {name: interpreter_of(name) for name in tree.files()}
    scripts = {name: interpreter for name, interpreter in scripts.items() if interpreter}
    complaints = []
    for name, interpreter in scripts.items():
        complaints += check(name, interpreter)
    tree.finish(scripts, complaints)


if __name__ == "__main__":
    main()
