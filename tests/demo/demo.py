#!/usr/bin/env python3
"""The demo: a drive with telltales, on a cluster that a Linux guest draws; the guest shows a wrong
telltale, freezes and dies, and each time the picture stays right. A second guest goes on throughout.

    demo.py [--out DIR]

Each step waits for what it names and says what was observed; nothing is timed by sleeping. Ends
with 0 only if every step was observed. DIR: index.html, report.json, pictures, the recording, logs.
"""

import argparse
import os
import pathlib
import shutil
import sys
import time
import traceback

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))

from tests.demo import heard as demo_heard
from tests.demo.stage import CLUSTER, IVI, OUTPUT, PLACES, NotObserved, Stage
from tests.guest import sound
from tests.guest.machine import from_environment

TURN_SECONDS = 6        # of sound, with the turn signal on
ALONE_SECONDS = 5       # of sound, without the cluster's guest
LAMP = "brake"          # the telltale that the guest shows wrong
WARNING = "coolant-hot"  # the one whose chime is listened for


class Demo(Stage):
    def run(self):
        for title, step in (
                ("fascia starts; first light before any guest exists", self.first_light),
                ("the drive begins: the fallback HMI shows it", self.drive_begins),
                ("two guests boot", self.boot),
                ("meanwhile the fallback HMI drives on", self.fallback_drives),
                ("the cluster's guest takes over", self.cluster_appears),
                ("weston's desktop is on the screen", self.desktop_appears),
                ("both run", self.both_run),
                ("both are heard and recorded", self.record),
                ("a warning lamp goes on, and its chime is played", self.warn),
                ("the guest shows a wrong telltale: the picture stays right", self.show_wrong),
                ("it behaves again, and gets its place back", self.behave),
                ("the guest freezes: the fallback HMI is there", self.freeze),
                ("it behaves again, and gets its place back", self.behave),
                ("the guest's QEMU is killed: the fallback HMI is there", self.kill_cluster),
                ("meanwhile the other guest goes on", self.ivi_goes_on),
                ("the guest starts again and takes over", self.recover),
                ("all of it was heard", self.check_recording),
                ("everything ends cleanly", self.end)):
            with self.step(title) as observed:
                step(observed)

    # -- before any guest --

    def first_light(self, observed):
        self.chapter("First light", "The host's own cluster is on the screen before any guest "
                     "exists. Nothing is known of the vehicle yet: every telltale is lit.")
        begin = time.monotonic()
        self.service.start()
        self.wait_output("fallback")
        observed.append(f"the fallback HMI after {time.monotonic() - begin:.2f} s")
        self.learn_telltales()
        self.take("01-first-light", "Before the first signal, before the first guest.",
                  lambda shot: all(self.telltales.state_of(name, shot) == "on"
                                   for name in self.telltales.places))
        first_ms = self.service.compositor("compositor.first_light_ns") / 1e6
        observed.append(f"all {len(self.telltales.places)} telltales lit; composed "
                        f"{first_ms:.0f} ms after the compositor's start")
        self.figure(f"{first_ms:.0f} ms", "from the compositor's start to first light")
        self.report["first_light_ms"] = round(first_ms, 1)

    def drive_begins(self, observed):
        self.vehicle.start()
        for name, state in (("airbag", "on"), (LAMP, "off")):
            self.service.wait_for(lambda: self.shows(name, state), f"{name} to be {state}")
        observed.append("key on: the lamps that check themselves are lit, the others off")

    def boot(self, observed):
        begin = time.monotonic()
        self.ivi.start()
        self.cluster.start()
        for machine in (self.cluster, self.ivi):
            kernel = machine.run("uname -r").strip()
            observed.append(f"{machine.name} up after {time.monotonic() - begin:.1f} s")
        self.report["kernel"] = kernel

    def fallback_drives(self, observed):
        self.chapter("Two guests boot; the car drives already",
                     "Speed, revs, gear and telltales reach the host on a way of their own. The "
                     "fallback HMI shows them at 60 pictures a second, guest or no guest.")
        self.wait_speed(20)
        self.take("02-fallback-drives", "The cluster's guest is not there yet.",
                  lambda shot: self.vehicle.speed >= 20)
        self.wait_motion(CLUSTER)
        if self.service.output_state(OUTPUT) != "fallback":
            raise NotObserved("the fallback is gone")
        observed.append(f"{self.vehicle.speed:.0f} km/h, and it moves")

    # -- both guests --

    def start_hmi(self):
        self.cluster.spawn("cluster-hmi", "/run/cluster-hmi.log")
        self.vehicle.meet_guest()

    def cluster_appears(self, observed):
        self.chapter("The guest takes over",
                     "The cluster's guest draws all of it, telltales included, from the same atlas "
                     "that the host has. The host shows each telltale of the guest's only as long "
                     "as its checksum is the right one; every picture's tag and the guest's "
                     "heartbeat say that it is fresh.")
        # weston takes longer to start: it gets its head start now
        self.ivi.spawn("weston --config=/fascia/weston.ini --log=/run/weston.log",
                       "/run/weston.out")
        begin = time.monotonic()
        self.start_hmi()
        self.wait_state(CLUSTER, "live")
        self.wait_output("normal", "degraded")
        self.service.wait_for(lambda: self.shows_guest_cluster(self.look()),
                              "the cluster's own picture")
        observed.append(f"live {time.monotonic() - begin:.1f} s after its HMI was started")
        self.wait_motion(CLUSTER)
        drawn = [r["name"] for r in self.service.regions().values()
                 if r["check"] == "exact" and not r["host_drawn"]]
        if len(drawn) != len(self.telltales.places):
            raise NotObserved(f"the guest draws only {len(drawn)} telltales")
        observed.append(f"{len(drawn)} telltales are the guest's, each verified in each frame")

    def desktop_appears(self, observed):
        self.wait_state(IVI, "live")
        self.service.wait_for(lambda: self.shows_desktop(self.look()),
                              "weston's panel, terminal and clients")
        for client in ("weston-terminal", "weston-flower", "weston-simple-shm"):
            self.ivi.wait_until(f"pidof {client}", client)
        self.wait_motion(IVI)
        observed.append("weston-terminal, weston-flower and weston-simple-shm")

    def both_run(self, observed):
        self.wait_output("normal")
        self.vehicle.hold(position_lamps="on", low_beam="on", cruise="on", theme="day")
        self.take("03-both", "Above: the guest's cluster, verified. Below: the other guest's "
                  "desktop.",
                  lambda shot: self.shows_guest_cluster(shot) and self.shows_desktop(shot)
                  and self.vehicle.speed >= 40
                  and self.telltales.state_of("cruise", shot) == "on")
        self.vehicle.release("cruise", "theme")
        self.vehicle.hold(cruise="off")
        rates = self.frame_rates()
        observed.append(", ".join(f"{guest} {rate:.0f} frames/s" for guest, rate in rates.items()))
        self.report["frames_per_second"] = rates
        self.fact(f"{rates[CLUSTER]:.0f}", "pictures a second of the cluster's guest")
        self.fact(f"{len(self.telltales.places)}", "telltales verified in each of 60 frames a "
                  "second")
        self.keep_said("regions", "regions")
        self.keep_said("analyze-live", "analyze", CLUSTER)

    def frame_rates(self):
        """Of each guest over 120 ticks or more of the output."""
        def sample():
            return (time.monotonic(), self.service.ticks(OUTPUT),
                    {guest: self.service.layer_frames(guest) for guest in PLACES})

        begin, ticks, frames = sample()
        self.service.wait_for(lambda: self.service.ticks(OUTPUT) >= ticks + 120, "120 ticks")
        end, _, later = sample()
        return {guest: (later[guest] - frames[guest]) / (end - begin) for guest in PLACES}

    def record(self, observed):
        for guest in (CLUSTER, IVI):
            self.service.wait_for(lambda: self.service.is_playing(guest), f"{guest}'s sound")
        self.recorded_from = self.service.mixed_frames()
        self.recording = self.service.record(self.folder / "recording.wav")
        self.signal_turn()
        observed.append(f"{TURN_SECONDS} s of the turn signal, by the sink that waits for its "
                        f"streams")

    def signal_turn(self):
        self.vehicle.hold(turn_left="on")
        self.service.wait_for(lambda: self.shows("turn-left", "on"), "the turn signal's lamp")
        self.wait_played(CLUSTER, TURN_SECONDS)
        self.vehicle.hold(turn_left="off")
        self.service.wait_for(lambda: self.shows("turn-left", "off"), "that lamp to go off")

    def warn(self, observed):
        heard = self.service.compositor("chimes.heard")
        lost = self.service.compositor("chimes.lost")
        self.warned_from = self.sound_seconds()
        self.vehicle.hold(**{WARNING: "on"})
        self.service.wait_for(lambda: self.shows(WARNING, "on"), f"the lamp {WARNING}")
        self.service.wait_for(lambda: self.service.compositor("chimes.heard") > heard,
                              "the mixer's word that a chime was heard")
        if self.service.compositor("chimes.lost") > lost:
            raise NotObserved("a chime was lost")
        self.wait_sound(2)
        self.warned_until = self.sound_seconds()
        self.vehicle.hold(**{WARNING: "off"})
        observed.append(f"{WARNING} is lit, and the mixer confirmed the chime")

    def sound_seconds(self):
        """Of the recording, so far."""
        return (self.service.mixed_frames() - self.recorded_from) / 48000

    # -- what goes wrong --

    def note_incident(self, name, what, fault, observed):
        """A record of the fault log becomes part of the story."""
        within, after = fault["detected_within_ms"], fault["safe_after_ms"]
        self.report["incidents"].append({"name": name, "what": what, "fault": fault})
        self.fact(fault["cause"], fault["text"])
        if within is not None:
            self.fact(f"{within:.1f} ms", "from the last moment that all was well to its "
                      "detection")
        self.fact(f"{after:.1f} ms", "from detection to the verified picture that answers it")
        observed.append(f"{fault['cause']}: detected within {within or 0:.1f} ms, safe after "
                        f"{after:.1f} ms")

    def fallback_fault(self, after, causes):
        """The layer's loss, as the fault log has it."""
        self.service.wait_for(
            lambda: self.service.layer_state(CLUSTER) in ("placeholder", "quarantined"),
            "the cluster's layer to be lost")
        for fault in self.service.faults():
            if fault["number"] > after and fault["subject"] == "layer" and \
                    fault["name"] == CLUSTER and fault["to"] == "placeholder":
                if fault["cause"] not in causes:
                    raise NotObserved(f"lost by {fault['cause']}, not {' or '.join(causes)}")
                return self.wait_fault(fault["number"] - 1, "the picture that answers it",
                                       number=fault["number"])
        raise NotObserved("the fault log knows nothing of the loss")

    def show_wrong(self, observed):
        self.chapter("The guest shows a wrong telltale",
                     "The driver brakes, and the guest is told to draw the brake lamp off. The "
                     "host finds it in the composed picture before that is shown, puts its own "
                     "lamp there in the same frame, and takes the screen from a guest that keeps "
                     "on being wrong.")
        self.vehicle.hold(brake="on", theme="day")
        self.service.wait_for(lambda: self.shows(LAMP, "on"), "the brake lamp")
        self.service.wait_for(
            lambda: self.telltales.state_of(LAMP, self.guest_picture("right"), False) == "on",
            "the guest to draw the brake lamp")
        newest = self.newest_fault()
        self.vehicle.tell_guest(f"wrong {LAMP}")
        looks = self.watch_lamp(newest)
        fault = self.wait_fault(newest, "the wrong telltale to be found", subject="element",
                                name=LAMP, cause="wrong-pixels")
        self.note_incident("wrong telltale", f"{LAMP} drawn off though it is on", fault, observed)
        self.keep_said("analyze-wrong", "analyze", CLUSTER)
        self.compare_wrong()
        self.take("05-wrong-fallback", "What the driver sees: the lamp is lit all the time.",
                  lambda shot: self.telltales.state_of(LAMP, shot) == "on"
                  and not self.shows_guest_cluster(shot) and self.shows_desktop(shot))
        observed.append(f"the lamp was lit in each of {looks} pictures looked at meanwhile")

    def watch_lamp(self, newest):
        """Looks at what is shown until the guest's layer is lost; returns how often."""
        looks = 0

        def is_over():
            nonlocal looks
            looks += 1
            if not self.shows(LAMP, "on"):
                raise NotObserved(f"the lamp was shown {self.telltales.state_of(LAMP, self.look())}")
            return any(f["number"] > newest and f["subject"] == "layer"
                       and f["to"] == "placeholder" for f in self.service.faults())

        self.service.wait_for(is_over, "the guest to lose the screen")
        return looks

    def compare_wrong(self):
        """What the guest drew beside what was shown."""
        drawn = self.guest_picture("wrong")
        if self.telltales.state_of(LAMP, drawn, on_output=False) != "off":
            raise NotObserved("the guest does not draw what it was told to")
        shown = self.look(CLUSTER)
        strip = (640, 420, 640, 60)
        drawn.crop(*strip).write_png(self.folder / "04-wrong-drawn.png")
        shown.crop(*strip).write_png(self.folder / "04-wrong-shown.png")
        self.add_picture("04-wrong-drawn", "What the guest drew: no brake lamp.", wide=False)
        self.add_picture("04-wrong-shown", "What was shown.", wide=False)

    def behave(self, observed):
        begin = time.monotonic()
        self.vehicle.tell_guest("good")
        self.vehicle.release("theme")
        self.come_back(observed)
        self.vehicle.hold(brake="off")
        self.wait_motion(CLUSTER)
        observed.append(f"back {time.monotonic() - begin:.1f} s later")

    def come_back(self, observed):
        """Until the guest's picture is shown again; acknowledges where somebody has to."""
        if self.wait_state(CLUSTER, "live", "quarantined") == "quarantined":
            self.keep_said("analyze-quarantined", "analyze", CLUSTER)
            # all: after three within ten seconds the output's fallback is latched as well
            self.service.command("ack")
            observed.append("in quarantine after three misdeeds; acknowledged")
            self.fact("quarantined", "the third misdeed within a minute: no more chances until "
                      "somebody says `fascia ack`")
            self.wait_state(CLUSTER, "live")
        self.wait_output("normal")
        self.service.wait_for(lambda: self.shows_guest_cluster(self.look()),
                              "the cluster's own picture")

    def freeze(self, observed):
        self.chapter("The guest freezes",
                     "It goes on sending pictures, and heartbeats; but they are the same picture "
                     "again and again. The tag in them stands still, and gives it away.")
        self.wait_speed(20)
        newest = self.newest_fault()
        told_ns = time.monotonic_ns()
        self.vehicle.tell_guest("freeze")
        fault = self.fallback_fault(newest, ["frozen"])
        took_ms = (fault["monotonic_ns"] - told_ns) / 1e6 + fault["safe_after_ms"]
        self.note_incident("freeze", "the same picture again and again", fault, observed)
        self.fact(f"{took_ms:.0f} ms", "from telling the guest to freeze to the fallback HMI; six "
                  "pictures with one tag are awaited")
        self.keep_said("analyze-frozen", "analyze", CLUSTER)
        shown = self.take("06-frozen", "The host's cluster, live, in place of the frozen one.",
                          lambda shot: not self.shows_guest_cluster(shot)
                          and self.shows_desktop(shot))
        self.service.wait_for(
            lambda: self.look(CLUSTER) != shown.crop(*PLACES[CLUSTER]), "the fallback to move")

    def kill_cluster(self, observed):
        self.chapter("The guest dies",
                     "Its QEMU is killed, as by a power cut. The other guest plays on.")
        self.wait_speed(20)
        fallbacks, newest = self.service.fallbacks(OUTPUT), self.newest_fault()
        self.killed_at = self.sound_seconds()
        killed_ns = self.cluster.kill()
        self.vehicle.leave_guest()
        self.service.wait_for(lambda: self.service.fallbacks(OUTPUT) > fallbacks,
                              "the fallback's first frame")
        took_ms = (self.service.fallback_ns(OUTPUT) - killed_ns) / 1e6
        if took_ms < 0:
            raise NotObserved(f"the fallback was shown {-took_ms:.1f} ms before the kill")
        fault = self.fallback_fault(newest, ["hung-up", "died"])
        self.note_incident("death", "QEMU killed", fault, observed)
        self.fact(f"{took_ms:.0f} ms", "from the kill to the first frame of the fallback HMI")
        self.figure(f"{took_ms:.0f} ms", "from the guest's death to the first fallback frame")
        self.report["kill_to_fallback_ms"] = round(took_ms, 3)
        observed.append(f"first fallback frame {took_ms:.1f} ms after the kill")
        self.keep_said("analyze-dead", "analyze", CLUSTER)
        self.take("07-dead", "The host's cluster, the other guest's desktop.",
                  lambda shot: not self.shows_guest_cluster(shot) and self.shows_desktop(shot))

    def ivi_goes_on(self, observed):
        frames = self.service.layer_frames(IVI)
        self.wait_motion(IVI)
        self.wait_motion(CLUSTER)
        self.wait_sound(ALONE_SECONDS)
        frames = self.service.layer_frames(IVI) - frames
        if frames == 0:
            raise NotObserved("no new frame of the desktop")
        if self.service.output_state(OUTPUT) != "fallback":
            raise NotObserved("the fallback is gone")
        observed.append(f"{frames} new frames of the desktop, {ALONE_SECONDS} s of its music")

    def recover(self, observed):
        self.chapter("It comes back", "Started again, the guest has to be right for a while before "
                     "it gets the screen.")
        begin = time.monotonic()
        self.cluster.start()
        self.cluster.run("true")
        booted = time.monotonic() - begin
        self.start_hmi()
        self.come_back(observed)
        back = time.monotonic() - begin
        self.take("08-recovered", "All is as before.",
                  lambda shot: self.shows_guest_cluster(shot) and self.shows_desktop(shot)
                  and self.vehicle.speed >= 5)
        self.service.wait_for(lambda: self.service.is_playing(CLUSTER), "the cluster's sound")
        self.back_at = self.sound_seconds()
        self.signal_turn()
        observed.append(f"booted in {booted:.1f} s, picture back {back:.1f} s after the start")
        self.fact(f"{back:.1f} s", "from the guest's start to its picture, under emulation")

    # -- what was heard --

    def check_recording(self, observed):
        status, said = self.recording.stop()
        self.recording = None
        if status != 0:
            raise NotObserved(f"fascia record ended with {status}: {said}")
        heard = sound.read_wav(self.folder / "recording.wav")
        rows = demo_heard.rows_of_clicks(heard)
        before = [row for row in rows if row[0] < self.killed_at]
        after = [row for row in rows if row[0] > self.back_at - 1]
        between = [row for row in rows if row not in before and row not in after]
        for when, some in (("before the kill", before), ("after the recovery", after)):
            if not any(len(row) >= 2 * TURN_SECONDS - 2 for row in some):
                raise NotObserved(f"{when}: rows of {[len(row) for row in some]} clicks")
            for row in some:
                demo_heard.check_rhythm(when, row)
        if between:
            raise NotObserved(f"clicks of a dead guest at {between[0][0]:.1f} s")
        demo_heard.music_share(heard.part(self.killed_at, self.back_at))
        share = demo_heard.music_share(heard)
        chimes = demo_heard.warning_chimes(heard)
        # the recorder begins a little before or after the count
        warned = [c for c in chimes if self.warned_from - 0.5 < c < self.warned_until + 0.5]
        if not warned:
            raise NotObserved(f"no warning chime between {self.warned_from:.1f} and "
                              f"{self.warned_until:.1f} s, but at {chimes}")
        clicks = [click for row in rows for click in row]
        observed.append(f"{heard.seconds:.1f} s; {len(clicks)} clicks, none of a dead guest; "
                        f"{len(chimes)} warning chimes; music in {share:.0%} of it")
        self.report["music_share"] = share
        self.report["recording"] = "recording.wav"
        self.report["waveform"] = {
            "seconds": heard.seconds, "envelope": heard.envelope(900), "clicks": clicks,
            "chimes": chimes, "outage": (self.killed_at, self.back_at)}
        self.figure(f"{heard.seconds:.0f} s", "of sound recorded, the host's chimes above both guests")

    def end(self, observed):
        sender = self.vehicle.stop()
        self.cluster.kill()
        self.ivi.kill()
        status = self.service.stop()
        if status != 0 or sender != 0:
            raise NotObserved(f"fascia ended with {status}, fascia signal with {sender}")
        observed.append("fascia ended with 0")


def main():
    parser = argparse.ArgumentParser(
        prog="./dev demo", description="a drive with telltales; what the cluster's guest does "
        "wrong, and what the driver sees")
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
