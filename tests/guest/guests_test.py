#!/usr/bin/env python3
"""Linux guests under QEMU against a running fascia, in both dialects: what the guest draws and
plays is compared with what comes out. One boot per guest serves all its rows."""

import array
import contextlib
import math
import os
import pathlib
import random
import sys
import time
import wave

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))

from tests.guest import picture, sound, tap
from tests.guest.edid import Edid
from tests.guest.machine import Machine, make_disk
from tests.guest.service import Service

HERE = pathlib.Path(__file__).resolve().parent
PATIENCE_SECONDS = 60  # a guard against hanging, far above what is needed
RATE = 48000
# zeros before and after the noise: the mixer fades a stream in (4 ms) and its end out
LEAD_FRAMES, NOISE_FRAMES = RATE // 4, RATE * 2

DISPLAYS = {  # of guests.yaml: x, y, width, height
    "own": (0, 0, 800, 480),
    "blob": (1120, 0, 640, 480),
    "qemu": (1120, 540, 640, 400),
}


def noise_samples():
    generator = random.Random(20)
    samples = array.array("h", bytes(4 * LEAD_FRAMES))
    samples.extend(generator.randrange(-12000, 12000) for _ in range(2 * NOISE_FRAMES))
    samples.extend(array.array("h", bytes(4 * LEAD_FRAMES)))
    return samples


def write_tone(path):
    """Two seconds of 882 Hz: 8 bit, mono, 22050 Hz."""
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 1, 22050, 0, "NONE", ""))
        file.writeframes(bytes(
            128 + round(60 * math.sin(i * 2 * math.pi * 882 / 22050)) for i in range(44100)))


class Bench:
    """The service, its guests, and what the rows need of them."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.service = Service(HERE / "guests.yaml", self.folder)
        self.noise = noise_samples()
        sound.write_wav(self.folder / "noise.wav", RATE, self.noise)
        write_tone(self.folder / "tone.wav")
        disk = make_disk(self.folder / "disk.ext4",
                         {name: self.folder / name for name in ("noise.wav", "tone.wav")})
        self.machines = {
            name: Machine(name, self.folder, gpu="qemu" if name == "qemu" else "own",
                          gpu_socket=self.service.gpu_socket(name),
                          sound_socket=self.service.sound_socket(name) if name == "own" else None,
                          disk=disk if name == "own" else None, may_reboot=name == "own")
            for name in DISPLAYS
        }

    def __enter__(self):
        self.service.start()
        for machine in self.machines.values():
            machine.start()
        return self

    def __exit__(self, *error):
        for machine in self.machines.values():
            machine.kill()
        self.service.__exit__(*error)

    # -- pictures --

    def shot(self, name, size=None):
        x, y, width, height = DISPLAYS[name]
        width, height = size or (width, height)
        whole = self.service.screenshot(self.folder / "shot.png")
        return whole.crop(x, y, width, height)

    def until(self, name, condition, what, size=None):
        """Takes pictures of a guest's display until one fulfils the condition; returns that one."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            shot = self.shot(name, size)
            if condition(shot):
                return shot
            if time.monotonic() > deadline:
                kept = self.folder / f"failed-{name}.png"
                os.replace(self.folder / "shot.png", kept)
                raise AssertionError(f"{what} did not appear; the last picture: {kept}")

    def shows(self, name, expected):
        """Waits until a guest's display shows exactly this picture."""
        last = None

        def same(shot):
            nonlocal last
            last = shot
            return shot == expected

        try:
            self.until(name, same, "the expected picture", (expected.width, expected.height))
        except AssertionError as error:
            raise AssertionError(f"{error}; {last.difference(expected)}") from None

    # -- modetest --

    def connector(self, name):
        """Its id, as modetest lists it."""
        for line in self.machines[name].run("modetest -M virtio_gpu -c").splitlines():
            words = line.split()
            if len(words) > 3 and words[0].isdigit() and words[2] == "connected":
                return words[0]
        raise AssertionError("modetest lists no connected connector")

    @contextlib.contextmanager
    def modetest(self, name, arguments="", mode=None):
        """Runs modetest in the guest as long as the block runs."""
        width, height = mode or DISPLAYS[name][2:]
        machine = self.machines[name]
        # it ends when its input does, or at a key
        machine.spawn(
            f"sleep 1000 | modetest -M virtio_gpu -s {self.connector(name)}:{width}x{height} "
            f"{arguments}", "/run/modetest.log")
        try:
            yield
        finally:
            machine.run("kill $(pidof modetest) $(pidof sleep)", check=False)
            machine.wait_until("! pidof modetest", "modetest to end", PATIENCE_SECONDS)

    def edid(self, name):
        """As the guest's kernel has it."""
        text = self.machines[name].run("busybox xxd -p /sys/class/drm/card0-Virtual-1/edid")
        return Edid(bytes.fromhex("".join(text.split())))

    def sysfs(self, name, attribute):
        return self.machines[name].run(f"cat /sys/class/drm/card0-Virtual-1/{attribute}").strip()


# ---- rows of every guest ----

def row_probe(bench, name, features):
    """The driver of a kernel 6.12 found the device with the features we offer."""
    assert bench.machines[name].run("uname -r").startswith("6.12.")
    log = bench.machines[name].run("dmesg")
    line = next(line for line in log.splitlines() if "features:" in line)
    for feature in features:
        assert feature in line, f"{feature} is missing: {line}"


def row_console(bench, name):
    """Text written to the guest's virtual terminal appears."""
    machine = bench.machines[name]
    machine.run("printf '\\033[2J\\033[H\\033[?25l' >/dev/tty1")
    _, _, width, height = DISPLAYS[name]
    black = bytes(width * 3)

    def is_black(shot):
        return all(shot.row(y) == black for y in range(height))

    def lines_of_text(shot):
        """Rows of 16 pixels in which something is drawn."""
        return [any(shot.row(y) != black for y in range(top, top + 16))
                for top in range(0, height - 15, 16)]

    bench.until(name, is_black, "an empty console")
    machine.run("printf 'fascia\\n\\n\\nfascia' >/dev/tty1")
    shot = bench.until(name, lambda shot: lines_of_text(shot)[3], "the text")
    assert lines_of_text(shot)[:5] == [True, False, False, True, False], lines_of_text(shot)[:5]
    first, fourth = shot.crop(0, 0, width, 16), shot.crop(0, 48, width, 16)
    assert first == fourth, "the same text looks different"


def row_edid(bench, name, display_name, size_mm=None, serial=None):
    edid = bench.edid(name)
    assert edid.name == display_name, edid.name
    assert (edid.width, edid.height) == DISPLAYS[name][2:], (edid.width, edid.height)
    if size_mm:
        assert (edid.width_mm, edid.height_mm) == size_mm, (edid.width_mm, edid.height_mm)
    if serial:
        assert serial in (edid.serial, int(edid.serial_text or 0)), (edid.serial, edid.serial_text)


def row_mode(bench, name):
    width, height = DISPLAYS[name][2:]
    modes = bench.sysfs(name, "modes").splitlines()
    assert modes[0] == f"{width}x{height}", modes[:3]
    assert bench.sysfs(name, "status") == "connected"


def row_smpte(bench, name):
    with bench.modetest(name):
        bench.shows(name, picture.smpte(*DISPLAYS[name][2:]))


def row_tiles(bench, name):
    with bench.modetest(name, "-F tiles"):
        bench.shows(name, picture.tiles(*DISPLAYS[name][2:]))


def row_flips(bench, name):
    """Page flips between two pictures: each is seen whole, and never anything else."""
    size = DISPLAYS[name][2:]
    frames = {picture.smpte(*size).data: "smpte", picture.plain(*size).data: "plain"}
    seen = set()

    def both(shot):
        kind = frames.get(shot.data)
        if kind:
            seen.add(kind)
        # before modetest is up, the console is there
        assert kind or not seen, "a picture that is neither of the two"
        return len(seen) == 2

    with bench.modetest(name, "-v"):
        bench.until(name, both, "both frames")


# ---- rows of the own display ----

def row_cursor(bench, name):
    """modetest's cursor: 64x64 of half transparent grey over the bars, somewhere."""
    size = DISPLAYS[name][2:]
    bars = picture.smpte(*size)

    def cursor_of(shot):
        box = shot.differing_box(bars)
        return box and 1 < box[2] <= 64 and 1 < box[3] <= 64

    with bench.modetest(name, "-C"):
        shot = bench.until(name, cursor_of, "the cursor")
    x, y, width, height = shot.differing_box(bars)
    for row in range(y, y + height):
        for column in range(x, x + width):
            under, shown = bars.pixel(column, row), shot.pixel(column, row)
            blended = tuple(min(255, 0x77 + under[i] * (255 - 0x77) // 255) for i in range(3))
            assert all(abs(shown[i] - blended[i]) <= 1 for i in range(3)), \
                f"{column},{row}: {shown} over {under}, not {blended}"


def row_resize(bench, name):
    """Another size of the layer is another mode of the guest's display, at run time."""
    machine = bench.machines[name]
    bench.service.layer(name, "size", "720x400")
    modes = "/sys/class/drm/card0-Virtual-1/modes"
    machine.wait_until(f"grep -qx 720x400 {modes}", "the new mode", PATIENCE_SECONDS)
    assert bench.sysfs(name, "modes").splitlines()[0] == "720x400"
    edid = bench.edid(name)
    assert (edid.width, edid.height) == (720, 400), (edid.width, edid.height)
    with bench.modetest(name, mode=(720, 400)):
        bench.shows(name, picture.smpte(720, 400))
    bench.service.layer(name, "size", "800x480")
    machine.wait_until(f"head -n 1 {modes} | grep -qx 800x480", "the old mode", PATIENCE_SECONDS)


def row_hotplug(bench, name):
    machine = bench.machines[name]
    status = "/sys/class/drm/card0-Virtual-1/status"
    bench.service.layer(name, "disconnect")
    machine.wait_until(f"grep -qx disconnected {status}", "the display to be unplugged",
                       PATIENCE_SECONDS)
    bench.service.layer(name, "connect")
    machine.wait_until(f"grep -qx connected {status}", "the display to be plugged in",
                       PATIENCE_SECONDS)
    row_smpte(bench, name)


def row_sound_card(bench, name):
    out = bench.machines[name].run("aplay -l")
    assert "VirtIO" in out, out


def recorded(bench, name, command):
    """Runs a command in the guest while recording; returns what was recorded."""
    path = bench.folder / "recording.wav"
    recording = bench.service.record(path)
    output = bench.machines[name].run(command)
    status, said = recording.stop()
    assert status == 0, f"fascia record ended with {status}: {said}"
    return sound.read_wav(path), output


def row_aplay(bench, name):
    """What aplay plays comes out sample by sample."""
    heard, _ = recorded(bench, name, "aplay -q -D hw:0,0 /fascia/noise.wav")
    samples = heard.samples
    expected = array.array("f", (s / 32768 for s in bench.noise))
    first = next((i for i, s in enumerate(samples) if s), None)
    assert first is not None, "silence"
    first_expected = next(i for i, s in enumerate(expected) if s)
    start = first - first % 2 - (first_expected - first_expected % 2)
    length = 2 * (LEAD_FRAMES + NOISE_FRAMES)
    assert start >= 0, "the lead-in is not in the recording"
    for i in range(length):
        assert samples[start + i] == expected[i], \
            f"sample {i} of {length}: {samples[start + i]}, not {expected[i]}"
    after = samples[start + length:]
    assert not any(after), "something is heard after the end"


def row_speaker_test(bench, name):
    """A 440 Hz sine from speaker-test, left then right."""
    heard, output = recorded(
        bench, name, "speaker-test -D hw:0,0 -c 2 -r 48000 -F S16_LE -t sine -f 440 -l 1")
    assert "Front Left" in output and "Front Right" in output, output
    levels = [heard.tone_levels([440], 200, 200, channel) for channel in (0, 1)]
    alone = [sum(mine[1][0] > 0.1 and theirs[1][0] < 0.01 for mine, theirs in zip(*pair))
             for pair in (levels, levels[::-1])]
    assert min(alone) >= 5, f"a fifth of a second in which one side plays alone: {alone}"


def row_conversion(bench, name):
    """8-bit mono of 22050 Hz is converted to the mix's format and rate."""
    heard, _ = recorded(bench, name, "aplay -q -D hw:0,0 /fascia/tone.wav")
    levels = [amplitudes for _, amplitudes in heard.tone_levels([882, 1764, 441], 200, 200)]
    loud = [row for row in levels if row[0] > 0.3]
    assert len(loud) >= 7, f"the tone was heard for {len(loud)} fifths of a second"
    assert all(row[1] < 0.02 and row[2] < 0.02 for row in loud[1:-1]), loud


def row_reboot(bench, name):
    """A guest that reboots is noticed, and comes back by itself."""
    machine = bench.machines[name]
    before = bench.service.layer_losses(name)
    machine.reboot()
    bench.service.wait_for(lambda: bench.service.layer_losses(name) > before,
                           "the reboot to be noticed")
    row_console(bench, name)
    row_smpte(bench, name)


def row_stop(bench):
    """The service ends cleanly."""
    for machine in bench.machines.values():
        machine.kill()
    status = bench.service.stop()
    assert status == 0, f"fascia ended with {status}\n{bench.service.tail()}"


def all_rows(bench):
    rows = tap.Rows()

    def add(name, function, *arguments):
        rows.add(f"{name}: {function.__name__.removeprefix('row_')}",
                 lambda: function(bench, name, *arguments))

    add("own", row_probe, ["+edid"])
    add("own", row_console)
    add("own", row_edid, "OwnDisplay", (212, 127), 4711)
    for row in (row_mode, row_smpte, row_tiles, row_flips, row_cursor, row_resize, row_hotplug,
                row_sound_card, row_aplay, row_speaker_test, row_conversion, row_reboot):
        add("own", row)
    add("blob", row_probe, ["+edid", "+resource_blob"])
    for row in (row_console, row_mode, row_smpte, row_flips):
        add("blob", row)
    add("qemu", row_probe, ["+edid"])
    add("qemu", row_console)
    add("qemu", row_edid, "QemuDisplay")
    for row in (row_mode, row_smpte, row_flips):
        add("qemu", row)
    rows.add("service: stop", lambda: row_stop(bench))
    return rows


def main():
    """guests_test.py [FOLDER [PATTERN]]: the rows whose names match, all without one."""
    if not os.environ.get("FASCIA_GUEST_KERNEL"):
        print("1..0 # SKIP there is no guest image: run this through ./dev test")
        return 0
    folder = sys.argv[1] if len(sys.argv) > 1 else "guest-tests"
    pattern = sys.argv[2] if len(sys.argv) > 2 else ""
    with Bench(folder) as bench:
        return all_rows(bench).run(pattern)


if __name__ == "__main__":
    sys.exit(main())
