#!/usr/bin/env python3
"""The safety campaign's page: a row per failure with its distribution, bound, and pictures.

    report.py DIR

DIR holds results.json (and soak.json, pictures row-NAME-before.png and -after.png); writes DIR/index.html,
one file without a script.
"""

import html
import json
import math
import pathlib
import sys

STYLE = """
:root { color-scheme: dark; }
* { box-sizing: border-box; }
body { margin: 0; background: #0a0e14; color: #d7e0ea; font: 15px/1.5 "Inter", "DejaVu Sans", system-ui, sans-serif; }
main { max-width: 1240px; margin: 0 auto; padding: 48px 24px 80px; }
h1 { font-size: 32px; font-weight: 650; margin: 0; letter-spacing: -0.01em; }
p.lead { color: #8fa1b5; margin: 8px 0 0; max-width: 80ch; }
.verdict { display: inline-block; margin: 20px 0; padding: 6px 14px; border-radius: 999px; font-weight: 600; font-size: 14px; }
.passed { background: #10331f; color: #4ade80; } .failed { background: #3d1414; color: #ff8a80; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(200px, 1fr)); gap: 14px; margin: 20px 0 36px; }
.figure { background: #111823; border: 1px solid #1d2836; border-radius: 12px; padding: 14px 16px; }
.figure b { display: block; font-size: 26px; font-weight: 650; color: #4fe3ff; } .figure span { color: #8fa1b5; font-size: 13px; }
section { border-top: 1px solid #1d2836; padding: 22px 0; display: grid; grid-template-columns: minmax(0, 7fr) minmax(0, 5fr); gap: 24px; }
section h2 { font-size: 18px; margin: 0 0 4px; font-weight: 600; } section h2 i { font-style: normal; color: #4fe3ff; margin-right: 10px; }
section p { margin: 4px 0; color: #a9b8c8; } .note { color: #ffb020; font-size: 13px; }
.tag { font-size: 12px; padding: 2px 9px; border-radius: 999px; margin-left: 8px; font-weight: 600; }
table { border-collapse: collapse; font-size: 13.5px; margin-top: 10px; }
td, th { text-align: right; padding: 3px 12px 3px 0; font-variant-numeric: tabular-nums; } th { color: #8fa1b5; font-weight: 500; }
td:first-child, th:first-child { text-align: left; }
svg { width: 100%; height: auto; display: block; margin-top: 8px; }
.pictures { display: grid; grid-template-columns: 1fr 1fr; gap: 8px; align-self: start; }
.pictures img { width: 100%; border-radius: 6px; border: 1px solid #1d2836; display: block; } figure { margin: 0; } figcaption { font-size: 12px; color: #8fa1b5; }
"""

WIDTH, HEIGHT = 640, 74
BINS = 64


def histogram(row):
    """Times from fault to safe picture (to detection where the row has no picture), and the bound."""
    series = row["safe"] if row["safe"]["n"] else row["detect"]
    values = series["values"]
    bound = row["safe_ms"] or row["detect_ms"]
    if not values:
        return ""
    end = max(max(values), bound or 0) * 1.08 or 1
    counts = [0] * BINS
    for value in values:
        counts[min(BINS - 1, int(value / end * BINS))] += 1
    top = max(counts)
    bars = []
    for i, count in enumerate(counts):
        if count:
            height = max(2.0, math.log1p(count) / math.log1p(top) * (HEIGHT - 24))
            bars.append(f'<rect x="{i * WIDTH / BINS:.1f}" y="{HEIGHT - 18 - height:.1f}" '
                        f'width="{WIDTH / BINS - 1:.1f}" height="{height:.1f}" fill="#2f9bff"/>')
    marks = []
    if bound:
        x = bound / end * WIDTH
        marks.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="0" y2="{HEIGHT - 18}" stroke="#ff6b5e" '
                     f'stroke-width="1.5"/><text x="{x - 4:.1f}" y="10" font-size="11" fill="#ff8a80" '
                     f'text-anchor="end">bound {bound} ms</text>')
    for part in (0, 0.25, 0.5, 0.75):
        marks.append(f'<text x="{part * WIDTH + 1:.0f}" y="{HEIGHT - 4}" font-size="11" '
                     f'fill="#75879b">{end * part:.0f} ms</text>')
    return (f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="distribution of times">'
            f'<line x1="0" x2="{WIDTH}" y1="{HEIGHT - 18}" y2="{HEIGHT - 18}" stroke="#1d2836"/>'
            f'{"".join(bars)}{"".join(marks)}</svg>')


def series_row(title, series):
    if not series["n"]:
        return ""
    return (f'<tr><td>{title}</td><td>{series["p50"]:.1f}</td><td>{series["p99"]:.1f}</td>'
            f'<td>{series["max"]:.1f}</td></tr>')


def verdicts_text(row):
    bad = [f"{count} {name}" for name, count in row["verdicts"].items() if count and name != "passed"]
    text = f'{row["runs"]} injections' + (": " + ", ".join(bad) if bad else ", all passed")
    if row["excused"]:
        text += f'; {row["excused"]} of them late by no more than the machine was at that moment'
    if row["void"]:
        text += f'; {row["void"]} more were void, as the machine was away for longer than a frame'
    if row["wrong_pictures"]:
        text += f'; {row["wrong_pictures"]} wrong pictures'
    if row["missed_pictures"]:
        text += f'; {row["missed_pictures"]} pictures were not seen by the observer'
    if row["controls"]:
        failed = row["controls"] - row["control_verdicts"]["passed"]
        how = ", ".join(name for name, count in row["control_verdicts"].items() if count)
        text += f'. With the mechanism off: {failed} of {row["controls"]} failed ({how})'
    return text + "."


def pictures_html(folder, row):
    cells = []
    for when in ("before", "after"):
        name = f'row-{row["row"]}-{when}.png'
        if (folder / name).exists():
            cells.append(f'<figure><a href="{name}"><img src="{name}" loading="lazy" '
                         f'alt="{when} the fault"></a><figcaption>{when}</figcaption></figure>')
    return f'<div class="pictures">{"".join(cells)}</div>' if cells else "<div></div>"


def row_html(folder, row):
    tag = ('<span class="tag passed">good</span>' if row["good"] else
           f'<span class="tag failed">{"failed" if row["runs"] else "not run"}</span>')
    simulated = f'<p class="note">Simulated: {html.escape(row["simulated"])}.</p>' if row["simulated"] else ""
    causes = ", ".join(f"{name} ({count})" for name, count in row["causes"].items())
    found = f"<p>Found as: {html.escape(causes)}</p>" if causes else ""
    return f"""<section><div>
<h2><i>{html.escape(row["row"])}</i>{html.escape(row["fault"])}{tag}</h2>
<p><b>{html.escape(row["promise"])}</b></p><p>By: {html.escape(row["mechanism"])}.</p>{simulated}
<p>{html.escape(verdicts_text(row))}</p>{found}
<table><tr><th>ms</th><th>p50</th><th>p99</th><th>max</th></tr>
{series_row("fault to detection", row["detect"])}{series_row("detection to safe picture", row["react"])}
{series_row("fault to safe picture", row["safe"])}</table>{histogram(row)}</div>
{pictures_html(folder, row)}</section>"""


def figures_html(results, soak):
    rows = [row for row in results["rows"] if row["runs"]]
    figures = [(str(sum(row["runs"] for row in rows)), "injections"),
               (f'{sum(row["good"] for row in rows)} of {len(results["rows"])}', "rows good"),
               (str(sum(row["controls"] for row in rows)), "control runs"),
               (f'{results["machine_worst_ms"]:.1f} ms', "the machine's own worst lateness")]
    if soak:
        figures.append((f'{soak["reactions"]}', f'reactions in {soak["seconds"]} s of legal content'))
    return '<div class="figures">' + "".join(
        f'<div class="figure"><b>{value}</b><span>{html.escape(label)}</span></div>'
        for value, label in figures) + "</div>"


def main():
    folder = pathlib.Path(sys.argv[1])
    results = json.loads((folder / "results.json").read_text())
    soak_file = folder / "soak.json"
    soak = json.loads(soak_file.read_text()) if soak_file.exists() else None
    ran = [row for row in results["rows"] if row["runs"]]
    controls = sum(row["controls"] for row in ran)
    kept = f"{len(ran)} of {len(results['rows'])} rows were run, and kept their bounds; " + (
        f"{controls} control runs failed, as they must" if controls else "no control was run")
    verdict = ("passed", kept) if results["good"] and ran else ("failed", "not every row is good")
    body = "".join(row_html(folder, row) for row in results["rows"])
    page = f"""<!doctype html><html lang="en"><head><meta charset="utf-8"><title>fascia: safety campaign</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><style>{STYLE}</style></head><body><main>
<h1>fascia: safety campaign</h1>
<p class="lead">Failures of the table, injected at random phases into cockpits of real processes (guests are
programs that speak vhost-user, not virtual machines) at 60 Hz, several side by side as each other's load, but those that
keep processors from all others, which are run one at a time. Bounds are judged with the machine's own lateness excused
only where it overlaps that injection in time; bars are on a logarithmic scale.</p>
<div class="verdict {verdict[0]}">{verdict[1]}</div>{figures_html(results, soak)}{body}</main></body></html>
"""
    (folder / "index.html").write_text(page)
    print(f"report: {folder / 'index.html'}")


if __name__ == "__main__":
    main()
