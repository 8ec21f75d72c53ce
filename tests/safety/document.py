#!/usr/bin/env python3
"""docs/safety.md: made of docs/safety.in.md, the table of failures, the hostile inputs, and figures.

    document.py write              writes docs/safety.md
    document.py check              complains when it is another, or names tests that do not exist
    document.py figures [DIR]      takes the figures of the campaign in DIR (build/safety) over into
                                   docs/safety-figures.json, then writes
    document.py promises           prints every promise with the tests that show it, for tests/results.py

The table comes from the program safety-table, --table PROGRAM (build/tests/safety/safety-table).
"""

import argparse
import json
import pathlib
import re
import subprocess
import sys
import time

TOP = pathlib.Path(__file__).resolve().parents[2]
DOCUMENT = TOP / "docs/safety.md"
TEMPLATE = TOP / "docs/safety.in.md"
FIGURES = TOP / "docs/safety-figures.json"
HOSTILE = TOP / "tests/safety/hostile.json"
REACTION = "3 frames from there"
AGAIN = "./dev shell -- tests/safety/document.py write"

# each row's number is in one of these
GROUPS = [
    ("Guests that die, hang or stand still", (1, 2, 3, 4, 5, 38)),
    ("Telltales and other verified elements", (6, 7, 8, 9, 10)),
    ("Pictures that must not be believed", (11, 12, 13, 14, 15, 16)),
    ("Processes of a guest", (18, 19, 20, 21)),
    ("The output", (22, 23, 24, 25, 28, 36)),
    ("The compositor itself", (17, 26, 27, 30, 31, 32, 35, 37)),
    ("Signals, chimes, and sound with pictures", (29, 33, 34)),
]


def read_table(program):
    lines = subprocess.run([program], capture_output=True, text=True, check=True).stdout
    rows = [json.loads(line) for line in lines.splitlines()]
    for index, row in enumerate(rows):
        row["shown_by"] = tests_of_row(row, index)
    return rows


def tests_of_row(row, index):
    rows, stepped = "test-safety-rows", []
    if not row["is_real_only"]:
        stepped.append(f"{rows}-answers:answers/row_is_answered[{index}]")
        if row["controls"]:
            stepped.append(f"{rows}-controls:controls/row_needs_its_mechanism[{index}]")
    return stepped + row["tests"].split()


def read_hostile():
    return json.loads(HOSTILE.read_text(encoding="utf-8"))


def read_figures():
    return json.loads(FIGURES.read_text(encoding="utf-8")) if FIGURES.exists() else None


# ---- the document ----


def number_of(row):
    return int(re.match(r"\d+", row["row"])[0])


def cell(*parts):
    return "<br>".join(part.replace("|", "\\|") for part in parts if part)


def sentence(text):
    is_name = "_" in text.split()[0]
    return (text if is_name else text[:1].upper() + text[1:]) + "."


def bound_text(row):
    bounds = []
    if row["detect_ms"]:
        bounds.append(f"found {row['detect_ms']} ms")
    if row["safe_ms"]:
        bounds.append(f"right {row['safe_ms']} ms")
    if row["causes"] and not row["safe_ms"] and row["has_time"]:
        bounds.append(f"right {row['react_ms']} ms later" if row["react_ms"] else REACTION)
    wrong = row["wrong_max"]
    return cell(*bounds, f"{wrong} wrong picture" if wrong else "")


def series_text(name, series):
    if not series["n"]:
        return ""
    return f"{name} {series['p50']:.0f} / {series['p99']:.0f} / {series['max']:.0f} ms"


def measured_text(row, figures):
    figure = figures["rows"].get(row["row"]) if figures else None
    if not figure or not figure["runs"]:
        return "not measured"
    bad = {name: n for name, n in figure["verdicts"].items() if n and name != "passed"}
    runs = f"{figure['runs']} runs"
    runs += ": **" + ", ".join(f"{n} {name}" for name, n in bad.items()) + "**" if bad else ""
    runs += f", {figure['excused']} excused" if figure["excused"] else ""
    runs += f", {figure['void']} void" if figure.get("void") else ""
    failed = figure["controls"] - figure["control_verdicts"].get("passed", 0)
    control = f"control failed {failed} of {figure['controls']}" if figure["controls"] else ""
    return cell(
        series_text("found", figure["detect"]), series_text("right", figure["safe"]), runs, control
    )


def shown_text(row):
    stepped = [test for test in row["shown_by"] if test.startswith("test-safety-rows")]
    words = ["*rows*" + (", *control*" if len(stepped) > 1 else "")] if stepped else []
    return ", ".join(words + [f"`{test}`" for test in row["shown_by"] if test not in stepped])


def row_line(row, figures):
    simulated = f"*Simulated: {row['simulated']}.*" if row["simulated"] else ""
    causes = ", ".join(f"`{cause}`" for cause in row["causes"].split())
    cells = (
        row["row"],
        cell(f"**{sentence(row['fault'])}**", row["promise"], simulated),
        cell(
            sentence(row["mechanism"]),
            f"Recorded as {causes}." if causes else "",
            f"Shown by {shown_text(row)}.",
            f"In its control {row['control']}." if row["control"] else "",
        ),
        bound_text(row),
        measured_text(row, figures),
    )
    return "| " + " | ".join(cells) + " |"


def rows_text(rows, figures):
    lines = []
    for title, numbers in GROUPS:
        lines += [f"### {title}", ""]
        lines += ["| # | Failure, and what is promised | How, and what shows it | Bound | Measured |"]
        lines += ["|---|---|---|---|---|"]
        lines += [row_line(row, figures) for row in rows if number_of(row) in numbers] + [""]
    return "\n".join(lines).rstrip()


def hostile_text(surfaces):
    lines = ["| Surface | What comes | Answer | Shown by |", "|---|---|---|---|"]
    for surface in surfaces:
        for index, case in enumerate(surface["cases"]):
            tests = cell(*(f"`{test}`" for test in case["tests"]))
            name = f"**{surface['surface']}**" if index == 0 else ""
            lines.append(f"| {name} | {cell(case['input'])} | {cell(case['answer'])} | {tests} |")
    return "\n".join(lines)


def campaign_text(figures):
    if not figures:
        return "The campaign's figures are not taken over into this page yet."
    rows = [row for row in figures["rows"].values() if row["runs"]]
    runs, controls = sum(row["runs"] for row in rows), sum(row["controls"] for row in rows)
    good = sum(row["good"] for row in rows)
    text = (
        f"Last campaign: {figures['taken']}, on {figures['machine']}: {runs} injections and"
        f" {controls} control runs; {good} of {len(figures['rows'])} rows kept every bound. The"
        f" machine's own worst lateness meanwhile was {figures['machine_worst_ms']:.1f} ms."
    )
    soak = figures.get("soak")
    return text + (
        f" Soak: {soak['seconds']} s of legal content, {soak['reactions']} reactions."
        if soak
        else " The soak of legal content is not measured yet."
    )


def document(rows, surfaces, figures):
    text = TEMPLATE.read_text(encoding="utf-8")
    for name, part in {
        "@ROWS@": rows_text(rows, figures),
        "@HOSTILE@": hostile_text(surfaces),
        "@CAMPAIGN@": campaign_text(figures),
    }.items():
        text = text.replace(name, part)
    note = f"<!-- Made of docs/safety.in.md and the table of failures by: {AGAIN} -->\n\n"
    return note + text


# ---- promises ----


def promises(rows, surfaces):
    made = [
        {"name": f"row {row['row']}: {row['promise']}", "tests": row["shown_by"]} for row in rows
    ]
    for surface in surfaces:
        for case in surface["cases"]:
            name = f"{surface['surface']}, {case['input']}: {case['answer']}"
            made.append({"name": name, "tests": case["tests"]})
    return made


def source_of(test):
    program = test.split(":")[0]
    match = re.fullmatch(r"test-([a-z]+)-(\w+)(?:-\w+)?", program)
    if match:
        return TOP / "tests" / match[1] / f"test_{match[2]}.c"
    match = re.fullmatch(r"(?:replay|fuzz)-(\w+)", program)
    return TOP / "tests/fuzz" / f"fuzz_{match[1]}.c" if match else None


def complain_of_test(test):
    source = source_of(test)
    if source is None or not source.exists():
        return f"{test}: there is no such test program"
    if ":" in test:
        name = re.sub(r"\[\d+\]$", "", test.split("/")[-1])
        if f"START_TEST({name})" not in source.read_text(encoding="utf-8"):
            return f"{test}: there is no such test in {source.relative_to(TOP)}"
    return None


def complain_of_figures(row, figures):
    figure = figures["rows"].get(row["row"]) if figures else None
    if figure and figure.get("bounds") != bounds_of(row):
        return f"row {row['row']}: its figures were judged by other bounds; measure again"
    return None


def complaints(rows, surfaces, figures):
    grouped = [number for _, numbers in GROUPS for number in numbers]
    found = [f"row {row['row']} is in no group" for row in rows if number_of(row) not in grouped]
    for promise in promises(rows, surfaces):
        if not promise["tests"]:
            found.append(f"{promise['name']}: no test shows it")
        found += filter(None, map(complain_of_test, promise["tests"]))
    return found + [text for row in rows if (text := complain_of_figures(row, figures))]


# ---- figures ----


def machine_text():
    cpuinfo = pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8")
    names = re.findall(r"^model name\s*: (.*)$", cpuinfo, re.MULTILINE)
    processors = cpuinfo.count("processor\t:")
    return f"{processors} processors" + (f", {' '.join(names[0].split())}" if names else "")


def bounds_of(row):
    return {name: row[name] for name in ("detect_ms", "safe_ms", "react_ms", "wrong_max")}


def take_figures(folder, table):
    results = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    soak = folder / "soak.json"
    kept = ("runs", "controls", "excused", "void", "wrong_pictures", "verdicts", "control_verdicts", "good")
    bounds = {row["row"]: bounds_of(row) for row in table}
    rows = {}
    for row in results["rows"]:
        rows[row["row"]] = {name: row[name] for name in kept}
        rows[row["row"]]["bounds"] = bounds[row["row"]]
        for series in ("detect", "react", "safe"):
            rows[row["row"]][series] = {key: row[series][key] for key in ("n", "p50", "p99", "max")}
    figures = {
        "taken": time.strftime("%Y-%m-%d"),
        "machine": machine_text(),
        "machine_worst_ms": results["machine_worst_ms"],
        "rows": rows,
        "soak": json.loads(soak.read_text(encoding="utf-8")) if soak.exists() else None,
    }
    FIGURES.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


def check(text, found):
    for complaint in found:
        print(complaint)
    if not DOCUMENT.exists() or DOCUMENT.read_text(encoding="utf-8") != text:
        print(f"docs/safety.md is not what the tables say; make it anew: {AGAIN}")
        return 1
    return 1 if found else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("mode", choices=("write", "check", "figures", "promises"))
    parser.add_argument("folder", nargs="?", type=pathlib.Path, default=TOP / "build/safety")
    parser.add_argument("--table", default=TOP / "build/tests/safety/safety-table")
    arguments = parser.parse_args()
    rows, surfaces = read_table(arguments.table), read_hostile()
    if arguments.mode == "promises":
        json.dump(promises(rows, surfaces), sys.stdout, indent=1)
        return 0
    if arguments.mode == "figures":
        take_figures(arguments.folder, rows)
    figures = read_figures()
    text = document(rows, surfaces, figures)
    if arguments.mode == "check":
        return check(text, complaints(rows, surfaces, figures))
    DOCUMENT.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
