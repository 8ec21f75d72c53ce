"""How the build compiles: the flags of meson's compile_commands.json, for tools that compile too."""

import json
import os
import shlex

import tree


def commands(build):
    """{path from the root: the arguments of its compile command}"""
    with open(os.path.join(build, "compile_commands.json"), encoding="utf-8") as file:
        entries = json.load(file)
    found = {}
    for entry in entries:
        path = os.path.normpath(os.path.join(entry["directory"], entry["file"]))
        name = os.path.relpath(path, tree.TOP)
        found.setdefault(name, shlex.split(entry["command"]))
    return found


def header_flags(build):
    """What a header needs: every include path, definition and warning that any source is given."""
    flags = {}
    for arguments in commands(build).values():
        for argument in arguments[1:]:
            # meson adds every source's own folder, where a file may have a system header's name
            if argument.startswith("-I") and not argument.startswith("-I/"):
                if argument not in ("-I.", "-I.."):
                    continue
            if argument.startswith(("-I", "-isystem", "-D", "-std=", "-W", "-pthread")):
                flags[argument] = None
    return [flag for flag in flags if flag not in ("-Winvalid-pch", "-Wconversion")]
