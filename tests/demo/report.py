"""The demo's report: report.json for machines, index.html for people (one file, no script)."""

import html
import json

STYLE = """
:root { color-scheme: dark; }
* { box-sizing: border-box; }
body { margin: 0; background: #0a0e14; color: #d7e0ea; font: 16px/1.55 "Inter", "DejaVu Sans", system-ui, sans-serif; }
main { max-width: 1180px; margin: 0 auto; padding: 48px 24px 80px; }
h1 { font-size: 34px; font-weight: 650; margin: 0; letter-spacing: -0.01em; }
h2 { font-size: 20px; font-weight: 600; margin: 56px 0 16px; color: #f2f6fa; }
p.lead { color: #8fa1b5; margin: 8px 0 0; max-width: 72ch; }
.verdict { display: inline-block; margin: 24px 0 0; padding: 6px 14px; border-radius: 999px; font-weight: 600; font-size: 14px; }
.passed { background: #10331f; color: #4ade80; } .failed { background: #3d1414; color: #ff8a80; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(210px, 1fr)); gap: 14px; margin-top: 32px; }
.figure { background: #111823; border: 1px solid #1d2836; border-radius: 12px; padding: 16px 18px; }
.figure b { display: block; font-size: 28px; font-weight: 650; color: #4fe3ff; letter-spacing: -0.02em; }
.figure span { color: #8fa1b5; font-size: 14px; }
figure { margin: 0 0 28px; } figure img { width: 100%; display: block; border-radius: 10px; border: 1px solid #1d2836; }
figcaption { color: #8fa1b5; font-size: 14px; margin-top: 8px; } figcaption b { color: #d7e0ea; font-weight: 600; }
.more { display: grid; grid-template-columns: repeat(auto-fit, minmax(340px, 1fr)); gap: 20px; }
svg { width: 100%; height: auto; background: #0d131c; border: 1px solid #1d2836; border-radius: 10px; display: block; }
audio { width: 100%; margin-top: 12px; }
table { border-collapse: collapse; width: 100%; font-size: 15px; }
td, th { text-align: left; padding: 8px 12px 8px 0; border-bottom: 1px solid #1a2431; vertical-align: top; }
th { color: #8fa1b5; font-weight: 500; } td.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
td.ok { color: #4ade80; width: 2em; } td.bad { color: #ff8a80; width: 2em; }
code { background: #111823; padding: 1px 6px; border-radius: 5px; font-size: 0.92em; }
"""

WAVE_WIDTH, WAVE_HEIGHT = 1180, 200
WAVE_TOP, WAVE_BOTTOM = 26, 176


def waveform_svg(waveform):
    """The recording's shape; the outage shaded, a tick above for each click."""
    pairs, seconds = waveform["envelope"], waveform["seconds"]
    middle, half = (WAVE_TOP + WAVE_BOTTOM) / 2, (WAVE_BOTTOM - WAVE_TOP) / 2

    def x(time):
        return time / seconds * WAVE_WIDTH

    parts = [f'<svg viewBox="0 0 {WAVE_WIDTH} {WAVE_HEIGHT}" role="img" '
             'aria-label="the recording over time">']
    begin, end = waveform["outage"]
    parts.append(f'<rect x="{x(begin):.1f}" y="0" width="{x(end) - x(begin):.1f}" '
                 f'height="{WAVE_HEIGHT}" fill="#ff4a3d" opacity="0.10"/>')
    parts.append(f'<text x="{x((begin + end) / 2):.1f}" y="17" fill="#ff8a80" font-size="13" '
                 'text-anchor="middle">cluster guest is dead</text>')
    step = WAVE_WIDTH / len(pairs)
    top = [f"{i * step:.1f},{middle - high * half:.1f}" for i, (_, high) in enumerate(pairs)]
    low = [f"{i * step:.1f},{middle - low * half:.1f}" for i, (low, _) in enumerate(pairs)]
    parts.append(f'<polygon points="{" ".join(top + low[::-1])}" fill="#2f9bff" stroke="#4fe3ff" '
                 'stroke-width="0.6"/>')
    for click in waveform["clicks"]:
        parts.append(f'<line x1="{x(click):.1f}" x2="{x(click):.1f}" y1="{WAVE_TOP - 4}" '
                     f'y2="{WAVE_TOP + 4}" stroke="#ffb020" stroke-width="1.5"/>')
    for second in range(0, int(seconds) + 1, 5):
        parts.append(f'<text x="{x(second) + 3:.1f}" y="{WAVE_HEIGHT - 7}" fill="#75879b" '
                     f'font-size="12">{second} s</text>')
    parts.append("</svg>")
    return "".join(parts)


def figures_html(figures):
    cells = "".join(f'<div class="figure"><b>{html.escape(value)}</b>'
                    f"<span>{html.escape(label)}</span></div>" for label, value in figures)
    return f'<div class="figures">{cells}</div>'


def picture_html(picture):
    return (f'<figure><a href="{picture["file"]}"><img src="{picture["file"]}" '
            f'alt="{html.escape(picture["title"])}"></a><figcaption><b>'
            f'{html.escape(picture["title"])}</b> {html.escape(picture["text"])}'
            "</figcaption></figure>")


def steps_html(steps):
    rows = "".join(
        f'<tr><td class="{"ok" if step["ok"] else "bad"}">{"✓" if step["ok"] else "✗"}</td>'
        f'<td>{html.escape(step["title"])}</td><td>{html.escape(step["observed"])}</td>'
        f'<td class="n">{step["seconds"]:.1f} s</td></tr>' for step in steps)
    return f"<table><tr><th></th><th>step</th><th>observed</th><th></th></tr>{rows}</table>"


def sound_html(report):
    if "waveform" not in report:
        return ""
    return (
        "<h2>What was heard</h2>" + waveform_svg(report["waveform"])
        + f'<audio controls src="{report["recording"]}"></audio>'
        + f'<p class="lead">{html.escape(report["sound_text"])}</p>')


def page(report):
    ok = report["passed"]
    verdict = ("passed", "every step was observed") if ok else (
        "failed", f"failed: {report['failed_step']}")
    pictures = report["pictures"]
    wide = "".join(map(picture_html, pictures[:1]))
    more = "".join(map(picture_html, pictures[1:]))
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>fascia: demo</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><style>{STYLE}</style></head>
<body><main>
<h1>fascia: two guests, one cockpit</h1>
<p class="lead">Two stock Linux guests under stock QEMU ({html.escape(report["qemu"])}, software
emulation, kernel {html.escape(report["kernel"])}). Their pictures are composed into one display and
their sound into one recording; then the cluster's guest is killed.</p>
<div class="verdict {verdict[0]}">{html.escape(verdict[1])}</div>
{figures_html(report["figures"])}
<h2>What was seen</h2>
{wide}<div class="more">{more}</div>
{sound_html(report)}
<h2>Steps</h2>
{steps_html(report["steps"])}
</main></body></html>
"""


def write(folder, report):
    (folder / "report.json").write_text(json.dumps(report, indent=2) + "\n")
    (folder / "index.html").write_text(page(report))
