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
figure { margin: 0 0 20px; } figure img { width: 100%; display: block; border-radius: 10px; border: 1px solid #1d2836; }
figcaption { color: #8fa1b5; font-size: 14px; margin-top: 8px; } figcaption b { color: #d7e0ea; font-weight: 600; }
section { border-top: 1px solid #1a2431; margin-top: 48px; padding-top: 4px; } section h2 { margin: 28px 0 6px; font-size: 24px; }
section p { color: #a9b8c8; margin: 0 0 18px; max-width: 76ch; }
.pair { display: grid; grid-template-columns: 1fr 1fr; gap: 16px; }
.facts { display: flex; flex-wrap: wrap; gap: 10px; margin: 0 0 20px; }
.fact { background: #111823; border: 1px solid #1d2836; border-radius: 10px; padding: 9px 14px; max-width: 270px; }
.fact b { display: block; color: #ffd166; font-size: 19px; font-weight: 650; } .fact span { color: #8fa1b5; font-size: 13px; line-height: 1.35; display: block; }
details { margin: 0 0 10px; } summary { cursor: pointer; color: #8fa1b5; font-size: 14px; }
pre { background: #0d131c; border: 1px solid #1d2836; border-radius: 10px; padding: 12px 16px; overflow-x: auto; font: 12.5px/1.5 "DejaVu Sans Mono", monospace; max-height: 420px; }
svg { width: 100%; height: auto; background: #0d131c; border: 1px solid #1d2836; border-radius: 10px; display: block; }
audio { width: 100%; margin-top: 12px; }
table { border-collapse: collapse; width: 100%; font-size: 15px; }
td, th { text-align: left; padding: 8px 12px 8px 0; border-bottom: 1px solid #1a2431; vertical-align: top; }
th { color: #8fa1b5; font-weight: 500; } td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
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
    for moments, colour, height in ((waveform["clicks"], "#ffb020", 4),
                                    (waveform["chimes"], "#ff5c8a", 12)):
        for moment in moments:
            parts.append(f'<line x1="{x(moment):.1f}" x2="{x(moment):.1f}" y1="{WAVE_TOP - height}" '
                         f'y2="{WAVE_TOP + height}" stroke="{colour}" stroke-width="1.5"/>')
    for second in range(0, int(seconds) + 1, 5):
        parts.append(f'<text x="{x(second) + 3:.1f}" y="{WAVE_HEIGHT - 7}" fill="#75879b" '
                     f'font-size="12">{second} s</text>')
    parts.append("</svg>")
    return "".join(parts)


def figures_html(figures):
    cells = "".join(f'<div class="figure"><b>{html.escape(value)}</b>'
                    f"<span>{html.escape(label)}</span></div>" for value, label in figures)
    return f'<div class="figures">{cells}</div>'


def picture_html(picture):
    return (f'<figure><a href="{picture["file"]}"><img src="{picture["file"]}" '
            f'alt="{html.escape(picture["text"])}"></a><figcaption>'
            f'{html.escape(picture["text"])}</figcaption></figure>')


def chapter_html(chapter):
    facts = "".join(f'<div class="fact"><b>{html.escape(value)}</b><span>{html.escape(label)}'
                    "</span></div>" for value, label in chapter["facts"])
    pair = "".join(picture_html(p) for p in chapter["pictures"] if not p["wide"])
    wide = "".join(picture_html(p) for p in chapter["pictures"] if p["wide"])
    said = "".join(f'<details><summary><code>{html.escape(said["command"])}</code> at that moment'
                   f'</summary><pre>{html.escape(said["text"])}</pre></details>'
                   for said in chapter["said"])
    return (f'<section><h2>{html.escape(chapter["title"])}</h2><p>{html.escape(chapter["text"])}'
            f'</p><div class="facts">{facts}</div><div class="pair">{pair}</div>{wide}{said}'
            "</section>")


def milliseconds(value):
    return "-" if value is None else f"{value:.1f} ms"


def incidents_html(incidents):
    rows = "".join(
        f'<tr><td>{html.escape(i["what"])}</td><td><code>{html.escape(i["fault"]["cause"])}</code>'
        f'</td><td>{html.escape(i["fault"]["subject"])} {html.escape(i["fault"]["name"])}: '
        f'{html.escape(i["fault"]["from"])} → {html.escape(i["fault"]["to"])}</td>'
        f'<td class="n">{milliseconds(i["fault"]["detected_within_ms"])}</td>'
        f'<td class="n">{milliseconds(i["fault"]["safe_after_ms"])}</td></tr>' for i in incidents)
    return ("<table><tr><th>what the guest did</th><th>found as</th><th>what followed</th>"
            f'<th class="n">detected within</th><th class="n">safe after</th></tr>{rows}</table>')


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
        "<section><h2>What was heard</h2><p>The mix of both guests and of the host's chimes, "
        "recorded by the sink that waits for its streams: under emulation a guest may be slower "
        "than time, and its samples come late but complete. Orange: the clicks of the cluster's "
        "turn signal, half a second apart. Red: warning chimes, which the mixer plays above both "
        f"guests, whether they live or not. The desktop's music is in {report['music_share']:.0%} "
        "of it.</p>"
        + waveform_svg(report["waveform"])
        + f'<audio controls src="{report["recording"]}"></audio></section>')


def page(report):
    ok = report["passed"]
    verdict = ("passed", "every step was observed") if ok else (
        "failed", f"failed: {report['failed_step']}")
    chapters = "".join(map(chapter_html, report["chapters"]))
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>fascia: demo</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><style>{STYLE}</style></head>
<body><main>
<h1>fascia: a drive that stays readable</h1>
<p class="lead">Two stock Linux guests under stock QEMU ({html.escape(report["qemu"])}, software
emulation, kernel {html.escape(report["kernel"])}) share one cockpit display. One draws the instrument
cluster: it shows a wrong telltale, freezes, and dies. The picture stays right.</p>
<div class="verdict {verdict[0]}">{html.escape(verdict[1])}</div>
{figures_html(report["figures"])}
<h2>What went wrong, and how fast it was right</h2>
{incidents_html(report["incidents"])}
<p class="lead">From the compositor's fault log. Detected within: since the last moment at which all was
known to be well. Safe after: from the detection to the verified picture that answers it, on the
display.</p>
{chapters}
{sound_html(report)}
<section><h2>Steps</h2>
{steps_html(report["steps"])}</section>
</main></body></html>
"""


def write(folder, report):
    (folder / "report.json").write_text(json.dumps(report, indent=2) + "\n")
    (folder / "index.html").write_text(page(report))
