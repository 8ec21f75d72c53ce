#!/usr/bin/env python3
"""The one include rule: includes point downstream along the data flow, plus core/.

A file's own includes and all that they include in turn must lie in the places that its folder may
use. Project headers are included from the root of the repository; a heavy library has one including
file in each program's folder.
"""

import os
import re

import tree

# a prefix of paths: the prefixes it may include (itself is always allowed); the longest one counts
MAY_INCLUDE = {
    "core/": [],
    "protocol/": ["core/"],
    "display/": ["core/"],
    "compositor/": ["core/", "display/"],
    "gpu/": ["core/", "protocol/", "display/edid", "display/dmabuf", "display/udmabuf"],
    "gpu/renderer/": ["core/", "display/edid", "display/dmabuf", "display/udmabuf"],
    "audio/": ["core/", "protocol/"],
    "audio/mixer/": ["core/"],
    "service/": [""],
    "tests/": [""],
}

# headers of libraries that only one file of a folder may know
ONE_INCLUDER = ["cyaml/cyaml.h", "yaml.h", "alsa/asoundlib.h", "samplerate.h", "spng.h", "librsvg/rsvg.h"]

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)


def folder_of(name):
    return max((prefix for prefix in MAY_INCLUDE if name.startswith(prefix)), key=len, default=None)


def includes_of(name):
    return INCLUDE.findall(tree.text(name))


def closure_of(name, direct):
    """Every project header that `name` ends up with, each with the file that brings it in."""
    found = {}
    todo = [name]
    while todo:
        includer = todo.pop()
        for included in direct.get(includer, []):
            if included not in found:
                found[included] = includer
                todo.append(included)
    return found


def check_folder(name, direct):
    folder = folder_of(name)
    if folder is None:
        yield f"{name}: in no folder of the table in tests/lint/includes.py"
        return
    allowed = [folder, *MAY_INCLUDE[folder]]
    for included, includer in closure_of(name, direct).items():
        if not included.startswith(tuple(allowed)):
            via = "" if includer == name else f" (through {includer})"
            yield f"{name}: includes {included}{via}; {folder} may use {', '.join(allowed)}"


def check_paths(name):
    for kind, included in includes_of(name):
        if kind == '"' and not os.path.isfile(os.path.join(tree.TOP, included)):
            yield f'{name}: "{included}" is not a path from the root of the repository'


def check_one_includer(names):
    for header in ONE_INCLUDER:
        includers = {}
        for name in names:
            if not name.startswith("tests/") and ("<", header) in includes_of(name):
                includers.setdefault(folder_of(name), []).append(name)
        for some in includers.values():
            for name in some[1:]:
                yield f"{name}: <{header}> is included by {some[0]} already"


def main():
    names = tree.files(".c", ".h")
    direct = {name: [path for kind, path in includes_of(name) if kind == '"'] for name in names}
    complaints = list(check_one_includer(names))
    for name in names:
        complaints += check_folder(name, direct)
        complaints += check_paths(name)
    tree.finish(names, complaints)


if __name__ == "__main__":
    main()
