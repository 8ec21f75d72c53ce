#!/usr/bin/env python3
"""The demo: two Linux guests, one cockpit, and what happens when one of them dies.

    demo.py [--out DIR]

Each step waits for what it names and says what was observed; nothing is timed by sleeping. Ends
with 0 only if every step was observed. DIR: index.html, report.json, pictures, the recording, logs.
"""

import argparse
import contextlib
import os
import pathlib
import shutil
import subprocess
import sys
import time
import traceback

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))

from tests.demo import report as demo_report
from tests.guest import sound
from tests.guest.machine import Machine, from_environment, make_disk
from tests.guest.picture import Picture
from tests.guest.service import Service

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parents[1]
OUTPUT, CLUSTER, IVI = "cockpit", "cluster", "ivi"
# of data/cockpit.yaml: x, y, width, height
PLACES = {CLUSTER: (320, 0, 1280, 480), IVI: (448, 480, 1024, 600)}

TOGETHER_SECONDS = 8    # of sound, with both guests
ALONE_SECONDS = 5       # of sound, without the cluster's guest
AGAIN_SECONDS = 6       # of sound, with both again
MUSIC_SECONDS = 600
CLICK_SECONDS = 0.5
CLICK_TOLERANCE_SECONDS = 0.0151  # the levels are looked at each 5 ms
# the music's bass note is never silent: full scale 0.08, at the mixer's gain of 0.7
MUSIC_HZ, MUSIC_LEVEL = 220, 0.08 * 0.7 * 0.5

# what of the cluster's picture never moves, in it: units, fuel, coolant, temperature, a line
STILL_PARTS = [(240, 285, 76, 25), (940, 285, 125, 25), (195, 398, 165, 17), (919, 398, 165, 17),
               (600, 70, 80, 20), (480, 405, 320, 10)]


class NotObserved(Exception):
    """A step's condition did not come about."""


class Demo:
    def __init__(self, folder):
        self.folder = folder
        self.logs = folder / "logs"
        self.logs.mkdir(parents=True, exist_ok=True)
        self.start = time.monotonic()
        self.steps, self.pictures, self.figures = [], [], []
        self.report = {}
        self.service = Service(TOP / "data/cockpit.yaml", self.logs)
        self.cluster = Machine(
            CLUSTER, self.logs, gpu="own", gpu_socket=self.service.gpu_socket(CLUSTER),
            sound_socket=self.service.sound_socket(CLUSTER), disk=self.cluster_disk(),
            memory="384M")
        self.ivi = Machine(
            IVI, self.logs, gpu="own", gpu_socket=self.service.gpu_socket(IVI),
            sound_socket=self.service.sound_socket(IVI), disk=self.ivi_disk(), memory="768M")
        self.recording = None

    # -- what the guests get on a disk of their own --

    def built(self, name):
        return pathlib.Path(from_environment("FASCIA_BUILD")) / "tests/guest" / name

    def cluster_disk(self):
        return make_disk(self.logs / "cluster.ext4", {"cluster-hmi": self.built("cluster-hmi")},
                         size="8M")

    def ivi_disk(self):
        music = self.logs / "music.wav"
        subprocess.run([self.built("music"), music, str(MUSIC_SECONDS)], check=True)
        files = {path.name: path for path in (HERE / "ivi").iterdir()}
        return make_disk(self.logs / "ivi.ext4", {**files, "music.wav": music}, size="160M")

    # -- steps --

    @contextlib.contextmanager
    def step(self, title):
        """Within it: observed.append(words)."""
        begin = time.monotonic()
        observed = []
        entry = {"title": title, "ok": False, "observed": "", "seconds": 0.0}
        self.steps.append(entry)
        print(f"{begin - self.start:6.1f} s  {title} ... ", end="", flush=True)
        try:
            yield observed
            entry["ok"] = True
            print(f"{time.monotonic() - begin:.1f} s: {'; '.join(observed)}", flush=True)
        except BaseException as error:
            observed.append(f"{error}" or type(error).__name__)
            print(f"FAILED after {time.monotonic() - begin:.1f} s: {error}", flush=True)
            raise
        finally:
            entry["observed"] = "; ".join(observed)
            entry["seconds"] = time.monotonic() - begin

    def take(self, name, title, text, condition=lambda shot: True):
        """A picture for the report, as soon as one fulfils the condition; returns it."""
        path = self.folder / f"{name}.png"

        def shoot():
            shot = self.service.screenshot(path)
            return shot if condition(shot) else None

        shot = self.service.wait_for(shoot, f"a picture for: {title}")
        self.pictures.append({"file": f"{name}.png", "title": title, "text": text})
        return shot

    def look(self, layer=None):
        """The output now, or what it shows at a layer's place."""
        shot = self.service.screenshot(self.logs / "look.png")
        return shot.crop(*PLACES[layer]) if layer else shot

    def wait_state(self, layer, *states):
        return self.service.wait_for(
            lambda: self.service.layer_state(layer) in states and self.service.layer_state(layer),
            f"layer {layer} to be {' or '.join(states)}")

    def wait_output(self, *states):
        return self.service.wait_for(
            lambda: self.service.output_state(OUTPUT) in states
            and self.service.output_state(OUTPUT),
            f"the output to be {' or '.join(states)}")

    def wait_motion(self, layer):
        """Until what a layer's place shows has changed."""
        first = self.look(layer)
        self.service.wait_for(lambda: self.look(layer) != first, f"{layer}'s picture to move")

    def wait_sound(self, seconds):
        """Until the mixer has mixed so much more."""
        goal = self.service.mixed_frames() + seconds * 48000
        self.service.wait_for(lambda: self.service.mixed_frames() >= goal,
                              f"{seconds} s of sound to be mixed")

    def shows_cluster(self, shot=None):
        """Whether the still parts of our HMI are at the cluster's place, as drawn on this side."""
        shown = (shot or self.look()).crop(*PLACES[CLUSTER])
        return all(shown.crop(*part).equal_part(self.expected.crop(*part)) > 0.97
                   for part in STILL_PARTS)

    @staticmethod
    def shows_desktop(shot):
        """Whether weston's panel, its terminal and the clients' many colours are there."""
        return shot.crop(*PLACES[IVI]).colours() > 1000

    # -- the demo --

    def run(self):
        with self.step("fascia starts; first light before any guest exists") as observed:
            self.first_light(observed)
        with self.step("two guests boot") as observed:
            self.boot(observed)
        with self.step("the cluster's HMI is on the screen") as observed:
            self.cluster_appears(observed)
        with self.step("weston's desktop is on the screen") as observed:
            self.desktop_appears(observed)
        with self.step("both are heard and recorded") as observed:
            self.record(observed)
        with self.step("both run") as observed:
            self.both_run(observed)
        with self.step("the cluster's guest is killed: the fallback is on the screen") as observed:
            self.kill_cluster(observed)
        with self.step("meanwhile the other guest goes on") as observed:
            self.ivi_goes_on(observed)
        with self.step("the cluster's guest starts again: its picture is back") as observed:
            self.recover(observed)
        with self.step("the recording holds both guests' sound") as observed:
            self.check_recording(observed)
        with self.step("everything ends cleanly") as observed:
            self.end(observed)

    def first_light(self, observed):
        begin = time.monotonic()
        self.service.start()
        self.wait_output("fallback")
        observed.append(f"the fallback HMI after {time.monotonic() - begin:.2f} s")
        self.first = self.take("1-first-light", "First light.",
                               "The fallback HMI is there before any guest is.")
        if self.first.crop(*PLACES[CLUSTER]).colours() < 8:
            raise NotObserved("the picture is empty")
        expected = self.logs / "expected-cluster.png"
        subprocess.run([self.built("cluster-hmi"), "--png", expected, "--at", "0"], check=True)
        self.expected = Picture.from_png(expected)

    def boot(self, observed):
        begin = time.monotonic()
        self.ivi.start()
        self.cluster.start()
        for machine in (self.cluster, self.ivi):
            kernel = machine.run("uname -r").strip()
            observed.append(f"{machine.name} up after {time.monotonic() - begin:.1f} s")
        self.report["kernel"] = kernel

    def start_hmi(self):
        self.cluster.spawn("cluster-hmi", "/run/cluster-hmi.log")

    def cluster_appears(self, observed):
        # weston takes longer to start: it gets its head start now
        self.ivi.spawn("weston --config=/fascia/weston.ini --log=/run/weston.log",
                       "/run/weston.out")
        self.start_hmi()
        self.wait_state(CLUSTER, "live")
        self.service.wait_for(self.shows_cluster, "the cluster's picture")
        self.wait_motion(CLUSTER)
        observed.append("its dials are where we draw them, and move")

    def desktop_appears(self, observed):
        self.wait_state(IVI, "live")
        self.service.wait_for(lambda: self.shows_desktop(self.look()),
                              "weston's panel, terminal and clients")
        for client in ("weston-terminal", "weston-flower", "weston-simple-shm"):
            self.ivi.wait_until(f"pidof {client}", client)
        self.wait_motion(IVI)
        observed.append("weston-terminal, weston-flower and weston-simple-shm")

    def record(self, observed):
        for guest in (CLUSTER, IVI):
            self.service.wait_for(lambda: self.service.is_playing(guest), f"{guest}'s sound")
        self.recording = self.service.record(self.folder / "recording.wav")
        self.wait_sound(TOGETHER_SECONDS)
        observed.append(f"{TOGETHER_SECONDS} s of both, by the sink that waits for its streams")

    def both_run(self, observed):
        self.wait_output("normal")
        self.take("2-both", "Both guests run.",
                  "Above: our cluster. Below: weston's desktop, playing music.",
                  lambda shot: self.shows_cluster(shot) and self.shows_desktop(shot))
        rates = self.frame_rates()
        observed.append(", ".join(f"{guest} {rate:.0f} frames/s" for guest, rate in rates.items()))
        self.figure("frames per second from the cluster's guest", f"{rates[CLUSTER]:.0f}")
        self.figure("frames per second from the desktop's guest", f"{rates[IVI]:.0f}")
        self.report["frames_per_second"] = rates

    def frame_rates(self):
        """Of each guest over 60 ticks or more of the output."""
        def sample():
            return (time.monotonic(), self.service.ticks(OUTPUT),
                    {guest: self.service.layer_frames(guest) for guest in PLACES})

        begin, ticks, frames = sample()
        self.service.wait_for(lambda: self.service.ticks(OUTPUT) >= ticks + 120, "120 ticks")
        end, _, later = sample()
        return {guest: (later[guest] - frames[guest]) / (end - begin) for guest in PLACES}

    def kill_cluster(self, observed):
        fallbacks = self.service.fallbacks(OUTPUT)
        killed_ns = self.cluster.kill()
        self.service.wait_for(lambda: self.service.fallbacks(OUTPUT) > fallbacks,
                              "the fallback's first frame")
        self.killed_frames = self.service.mixed_frames()
        took_ms = (self.service.fallback_ns(OUTPUT) - killed_ns) / 1e6
        if took_ms < 0:
            raise NotObserved(f"the fallback was shown {-took_ms:.1f} ms before the kill")
        fallback = self.first.crop(*PLACES[CLUSTER])
        self.take("3-fallback", "The cluster's guest was killed.",
                  f"The fallback HMI was on the screen {took_ms:.0f} ms after the kill.",
                  lambda shot: shot.crop(*PLACES[CLUSTER]) == fallback
                  and self.shows_desktop(shot))
        observed.append(f"first fallback frame {took_ms:.1f} ms after the kill")
        self.report["kill_to_fallback_ms"] = round(took_ms, 3)
        self.figure("from the kill of the guest to the first fallback frame", f"{took_ms:.0f} ms")

    def ivi_goes_on(self, observed):
        frames = self.service.layer_frames(IVI)
        self.wait_motion(IVI)
        self.wait_sound(ALONE_SECONDS)
        frames = self.service.layer_frames(IVI) - frames
        if frames == 0:
            raise NotObserved("no new frame of the desktop")
        if self.service.output_state(OUTPUT) != "fallback":
            raise NotObserved("the fallback is gone")
        observed.append(f"{frames} new frames of the desktop, {ALONE_SECONDS} s of its music")

    def recover(self, observed):
        begin = time.monotonic()
        self.cluster.start()
        self.cluster.run("true")
        booted = time.monotonic() - begin
        self.start_hmi()
        self.wait_state(CLUSTER, "live")
        self.wait_output("normal")
        self.take("4-recovered", "The cluster's guest was started again.",
                  "Its picture came back by itself.",
                  lambda shot: self.shows_cluster(shot) and self.shows_desktop(shot))
        back = time.monotonic() - begin
        self.wait_motion(CLUSTER)
        self.service.wait_for(lambda: self.service.is_playing(CLUSTER), "the cluster's sound")
        self.wait_sound(AGAIN_SECONDS)
        observed.append(f"booted in {booted:.1f} s, picture back {back:.1f} s after the start")
        self.figure("from the guest's start to its picture", f"{back:.1f} s")

    # -- what was heard --

    def check_recording(self, observed):
        status, said = self.recording.stop()
        self.recording = None
        if status != 0:
            raise NotObserved(f"fascia record ended with {status}: {said}")
        heard = sound.read_wav(self.folder / "recording.wav")
        clicks = sound.clicks(heard)
        begin, end = self.longest_silence(clicks)
        first = [c for c in clicks if c <= begin]
        second = [c for c in clicks if c >= end]
        self.check_rhythm("before the kill", first, TOGETHER_SECONDS - 1)
        self.check_rhythm("after the recovery", second, AGAIN_SECONDS - 1)
        if end - begin < ALONE_SECONDS:
            raise NotObserved(f"without clicks for only {end - begin:.1f} s")
        self.check_music(heard)
        observed.append(
            f"{heard.seconds:.1f} s; {len(first)} clicks, none for {end - begin:.1f} s, "
            f"{len(second)} clicks; music throughout")
        self.report["recording"] = "recording.wav"
        self.report["waveform"] = {"seconds": heard.seconds, "envelope": heard.envelope(900),
                                   "clicks": clicks, "outage": (begin, end)}
        self.report["sound_text"] = (
            f"The mix of both guests, recorded by the sink that waits for its streams: under "
            f"emulation a guest may be slower than time, and its samples come late but complete. "
            f"Orange: the {len(first) + len(second)} clicks of the cluster's turn signal, half a "
            f"second apart to {CLICK_TOLERANCE_SECONDS * 1e3:.0f} ms. The desktop's music is heard "
            f"throughout, also while the cluster's guest is dead.")
        self.figure("of sound recorded, both guests in it", f"{heard.seconds:.0f} s")

    @staticmethod
    def longest_silence(clicks):
        """The longest time between two clicks: from one to the other."""
        if len(clicks) < 2:
            raise NotObserved(f"{len(clicks)} clicks in the recording")
        return max(zip(clicks, clicks[1:]), key=lambda pair: pair[1] - pair[0])

    @staticmethod
    def check_rhythm(when, clicks, seconds):
        apart = [b - a for a, b in zip(clicks, clicks[1:])]
        wrong = [d for d in apart if abs(d - CLICK_SECONDS) > CLICK_TOLERANCE_SECONDS]
        if len(clicks) < seconds / CLICK_SECONDS or wrong:
            raise NotObserved(f"{when}: {len(clicks)} clicks, not {CLICK_SECONDS} s apart: "
                              f"{[round(d, 3) for d in wrong]}")

    @staticmethod
    def check_music(heard):
        levels = heard.tone_levels([MUSIC_HZ], window_ms=500, hop_ms=250)
        quiet = [round(seconds, 2) for seconds, (level,) in levels if level < MUSIC_LEVEL]
        if quiet or len(levels) < 10:
            raise NotObserved(f"no music at {quiet[:10]} s")

    def end(self, observed):
        self.cluster.kill()
        self.ivi.kill()
        status = self.service.stop()
        if status != 0:
            raise NotObserved(f"fascia ended with {status}")
        observed.append("fascia ended with 0")

    def figure(self, label, value):
        self.figures.append((label, value))

    # -- the end, whatever happened --

    def close(self):
        if self.recording:
            with contextlib.suppress(Exception):
                self.recording.stop()
        self.keep_guest_logs()
        self.cluster.kill()
        self.ivi.kill()
        self.service.__exit__()
        for name in ("cluster.ext4", "ivi.ext4", "music.wav", "look.png"):
            (self.logs / name).unlink(missing_ok=True)
        for name in ("cluster.ext4.d", "ivi.ext4.d"):
            shutil.rmtree(self.logs / name, ignore_errors=True)

    def keep_guest_logs(self):
        """When something failed, what the guests' programs said."""
        for machine in (self.cluster, self.ivi):
            if machine.alive:
                with contextlib.suppress(Exception):
                    _, text = machine.run("tail -n 50 /run/*.log /run/*.out; dmesg | tail -n 30",
                                          check=False, guard=20)
                    (self.logs / f"{machine.name}.said").write_text(text)

    def write(self, failed_step):
        self.report.update({
            "passed": failed_step is None, "failed_step": failed_step, "steps": self.steps,
            "pictures": self.order_of_pictures(), "figures": self.figures,
            "seconds": time.monotonic() - self.start,
        })
        self.report.setdefault("kernel", "not reached")
        version = subprocess.run([from_environment("FASCIA_QEMU"), "--version"],
                                 capture_output=True, text=True, check=True).stdout
        first_line = version.splitlines()[0].replace("QEMU emulator version", "QEMU")
        self.report["qemu"] = first_line.split(" (")[0]
        demo_report.write(self.folder, self.report)

    def order_of_pictures(self):
        """The picture of both guests first: it is the one to look at."""
        return sorted(self.pictures, key=lambda p: p["file"] != "2-both.png")


def main():
    parser = argparse.ArgumentParser(prog="./dev demo", description="two guests, one cockpit")
    parser.add_argument("--out", default=os.path.join(from_environment("FASCIA_BUILD"), "demo"),
                        help="folder for the report; default: build/demo")
    folder = pathlib.Path(parser.parse_args().out).absolute()
    if (folder / "logs").exists():
        shutil.rmtree(folder / "logs")
    demo = Demo(folder)
    failed = None
    try:
        demo.run()
    except (Exception, KeyboardInterrupt):
        failed = demo.steps[-1]["title"] if demo.steps else "start"
        (demo.logs / "failure").write_text(traceback.format_exc())
    finally:
        demo.close()
        demo.write(failed)
    seconds = time.monotonic() - demo.start
    if failed:
        print(f"\nthe demo failed in {seconds:.0f} s at: {failed}\nlogs: {demo.logs}")
        return 1
    print(f"\nevery step was observed, in {seconds:.0f} s\nsee {folder / 'index.html'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
