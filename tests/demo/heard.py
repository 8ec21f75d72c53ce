"""What a recording of the demo holds: the turn signal's clicks, the desktop's music, chimes."""

from tests.guest import sound

CLICK_SECONDS = 0.5
CLICK_TOLERANCE_SECONDS = 0.0151  # the levels are looked at each 5 ms
# the music's bass note is never silent: full scale 0.08, at the mixer's gain of 0.7, and a quarter of that
# below a chime
MUSIC_HZ, MUSIC_LEVEL = 220, 0.08 * 0.7 * 0.25 * 0.7
# a chime waits for no guest, and the sink not for ever: under emulation there are gaps
MUSIC_SHARE = 0.75
# the warning chime: two strokes, and a higher one this much after the first
WARNING_HZ, WARNING_LAST_HZ, WARNING_LAST_SECONDS = 1046.5, 1318.5, 0.48
WARNING_LEVEL = 0.12


class NotHeard(Exception):
    pass


def rows_of_clicks(heard):
    """Clicks that follow each other in the rhythm, as lists of moments."""
    rows = []
    for click in sound.clicks(heard):
        if rows and click - rows[-1][-1] < 2 * CLICK_SECONDS:
            rows[-1].append(click)
        else:
            rows.append([click])
    return rows


def check_rhythm(when, row):
    apart = [b - a for a, b in zip(row, row[1:])]
    wrong = [round(d, 3) for d in apart if abs(d - CLICK_SECONDS) > CLICK_TOLERANCE_SECONDS]
    if wrong:
        raise NotHeard(f"{when}: clicks {wrong} s apart, not {CLICK_SECONDS} s")


def music_share(heard):
    """0..1: in how much of it there is music."""
    levels = heard.tone_levels([MUSIC_HZ], window_ms=500, hop_ms=250)
    share = sum(level >= MUSIC_LEVEL for _, (level,) in levels) / max(len(levels), 1)
    if len(levels) < 10 or share < MUSIC_SHARE:
        raise NotHeard(f"music in only {share:.0%} of {len(levels) / 4:.0f} s")
    return share


def warning_chimes(heard):
    """When warning chimes began."""
    levels = heard.tone_levels([WARNING_HZ, WARNING_LAST_HZ], window_ms=80, hop_ms=20)
    strokes = [(seconds, first) for seconds, (first, _) in levels]
    found = []
    for begin in sound.peaks(strokes, WARNING_LEVEL, apart=0.15):
        last = [level for seconds, (_, level) in levels
                if abs(seconds - begin - WARNING_LAST_SECONDS) < 0.08]
        if last and max(last) > WARNING_LEVEL and (not found or begin - found[-1] > 1):
            found.append(begin)
    return found
