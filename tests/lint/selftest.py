#!/usr/bin/env python3
"""The checks find what they are there for: each row is a small tree with one fault, and the check that
must name it. The same tree without the fault must pass.
"""

import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))

SOUND = {
    "core/thing.h": "#ifndef CORE_THING_H\n#define CORE_THING_H\n\nint thing(void);\n\n#endif\n",
    "core/thing.c": '#include "core/thing.h"\n\nint thing(void) {\n\treturn 1;\n}\n',
    "display/edid.h": '#include "core/thing.h"\n',
    "display/output.h": '#include "core/thing.h"\n',
    "gpu/device.c": '#include "display/edid.h"\n',
    "dev": "#!/bin/bash\necho fine\n",
    "docs/thing.1": ".TH THING 1 2020-01-01\n.SH NAME\nthing \\- a thing\n",
}

# check, the file with the fault, its text, what the complaint must say
ROWS = [
    ("includes", "core/thing.c", '#include "gpu/device.h"\n', "core/ may use core/"),
    ("includes", "gpu/device.c", '#include "display/output.h"\n', "includes display/output.h"),
    ("includes", "core/thing.c", '#include "thing.h"\n', "not a path from the root"),
    ("includes", "audio/mixer/mix.c", '#include "protocol/virtqueue.h"\n', "audio/mixer/ may use"),
    ("includes", "core/thing.h", '#include "display/output.h"\n', "(through core/thing.h)"),
    ("includes", "stray/thing.c", "int x;\n", "in no folder of the table"),
    ("includes", "core/more.c", "#include <spng.h>\n", "included by core/a.c already"),
    ("headers", "core/thing.h", "int thing(uint32_t x);\n", "core/thing.h: does not compile alone"),
    ("headers", "core/thing.h", "struct thing {\n\tint x;\n};\n", "redefinition"),
    ("format", "core/thing.c", "int  thing;\n", "core/thing.c"),
    ("scripts", "dev", "#!/bin/bash\nif true; then\n", "dev: "),
    ("scripts", "tool.py", "def f(:\n", "tool.py:1"),
    ("manuals", "docs/thing.1", "no title\n", "docs/thing.1"),
    ("private", "core/thing.c", "/* see /work" + "/tree/notes */\n", "path of a machine"),
    ("tidy", "core/thing.c", "int thing(int x);\nint thing(int x) {\n\tint y = 0;\n"
     "\treturn x / y;\n}\n", "Division by zero"),
]
EXTRA = {"core/more.c": {"core/a.c": "#include <spng.h>\n"}}


def write_tree(top, files):
    for name, text in files.items():
        path = os.path.join(top, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)


def write_build(top):
    """What the checks read of a build: one compile command."""
    command = f'{{"directory": "{top}", "command": "cc -I. -std=c11 -c core/thing.c", "file": "core/thing.c"}}'
    write_tree(top, {"build/compile_commands.json": f"[{command}]", ".gitignore": "build/\n"})


def run_check(check, files):
    with tempfile.TemporaryDirectory() as top:
        settings = {}
        for name in (".clang-format", ".clang-tidy"):
            with open(os.path.join(HERE, "..", "..", name), encoding="utf-8") as file:
                settings[name] = file.read()
        write_tree(top, {**settings, **files})
        write_build(top)
        subprocess.run(["git", "init", "--quiet", top], check=True)
        return subprocess.run(
            [sys.executable, os.path.join(HERE, check + ".py"), os.path.join(top, "build")],
            env={**os.environ, "LINT_TREE": top},
            capture_output=True,
            text=True,
            check=False,
        )


def main():
    failed = 0
    rows = [(check, "sound tree", {}, None) for check in sorted({row[0] for row in ROWS})]
    rows += [(c, name, {name: text, **EXTRA.get(name, {})}, says) for c, name, text, says in ROWS]
    for check, name, fault, says in rows:
        run = run_check(check, {**SOUND, **fault})
        fine = run.returncode == 0 if says is None else run.returncode == 1 and says in run.stdout
        if not fine:
            failed += 1
            print(f"{check}: {name}: expected {says!r}, got {run.returncode}: {run.stdout}{run.stderr}")
    print(f"{len(rows) - failed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
