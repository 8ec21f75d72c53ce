#!/usr/bin/env python3
"""What is installed beside the programs is right: check_data.py FASCIA FILE...

Examples pass `fascia check`, manifests are what QEMU's vhost-user.json asks for, the unit starts the
program with a command that exists.
"""

import configparser
import json
import os
import subprocess
import sys


def check_example(fascia, path):
    run = subprocess.run([fascia, "check", path], capture_output=True, text=True, check=False)
    return run.stderr if run.returncode != 0 else None


def check_manifest(fascia, path):
    with open(path, encoding="utf-8") as file:
        manifest = json.load(file)
    missing = {"description", "type", "binary"} - manifest.keys()
    if missing:
        return f"lacks {missing}"
    name = f"fascia-{manifest['type']}"
    if os.path.basename(manifest["binary"]) != name or not os.path.isabs(manifest["binary"]):
        return f"binary is not the whole path of {name}"
    return None


def check_unit(fascia, path):
    unit = configparser.ConfigParser(interpolation=None, strict=False)
    unit.optionxform = str
    unit.read(path, encoding="utf-8")
    words = unit["Service"]["ExecStart"].split()
    commands = subprocess.run([fascia, "--help"], capture_output=True, text=True, check=True)
    if os.path.basename(words[0]) != "fascia" or f"\n  {words[3]} " not in commands.stdout:
        return f"cannot start: {words}"
    return None


def main():
    fascia = sys.argv[1]
    checks = {".yaml": check_example, ".json": check_manifest, ".service": check_unit}
    failed = 0
    for path in sys.argv[2:]:
        complaint = checks[os.path.splitext(path)[1]](fascia, path)
        if complaint:
            print(f"{path}: {complaint}")
            failed += 1
    print(f"{len(sys.argv) - 2} files, {failed} failed")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
