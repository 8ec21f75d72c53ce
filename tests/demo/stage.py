"""What the demo plays on: the service, its two guests, the vehicle; pictures, waits, and the report."""

import base64
import contextlib
import gzip
import os
import pathlib
import shutil
import subprocess
import time

from tests.demo import report as demo_report
from tests.demo.telltales import Telltales
from tests.demo.vehicle import Vehicle
from tests.guest.machine import Machine, from_environment, make_disk
from tests.guest.picture import Picture
from tests.guest.service import Service

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parents[1]
OUTPUT, CLUSTER, IVI = "cockpit", "cluster", "ivi"
# of data/demo.yaml: x, y, width, height
PLACES = {CLUSTER: (320, 0, 1280, 480), IVI: (448, 480, 1024, 600)}
TAG_MARK = (0x0a, 0x05, 0x0f)  # fascia-frame-tag(7): the first pixel of a picture of the guest
MUSIC_SECONDS = 600


class NotObserved(Exception):
    """A step's condition did not come about."""


class Stage:
    def __init__(self, folder):
        self.folder = folder
        self.logs = folder / "logs"
        self.logs.mkdir(parents=True, exist_ok=True)
        self.start = time.monotonic()
        self.steps, self.chapters, self.figures = [], [], []
        self.report = {"incidents": []}
        self.service = Service(TOP / "data/demo.yaml", self.logs)
        vehicle_port = self.logs / "vehicle.port"
        self.cluster = Machine(
            CLUSTER, self.logs, gpu="own", gpu_socket=self.service.gpu_socket(CLUSTER),
            sound_socket=self.service.sound_socket(CLUSTER),
            channel_socket=self.service.channel_socket(CLUSTER), disk=self.cluster_disk(),
            memory="384M", extra=[
                "-chardev", f"socket,id=vehicle,path={vehicle_port},server=on,wait=off",
                "-device", "virtserialport,chardev=vehicle,name=fascia.vehicle"])
        self.ivi = Machine(
            IVI, self.logs, gpu="own", gpu_socket=self.service.gpu_socket(IVI),
            sound_socket=self.service.sound_socket(IVI), disk=self.ivi_disk(), memory="768M")
        self.vehicle = Vehicle(self.service, TOP / "data/drives/city.drive", vehicle_port,
                               self.logs / "signal.log")
        self.recording = None

    # -- what the guests get on a disk of their own --

    @staticmethod
    def built(name):
        return pathlib.Path(from_environment("FASCIA_BUILD")) / "tests/guest" / name

    def cluster_disk(self):
        files = {name: self.built(name) for name in ("cluster-hmi", "cluster.atlas")}
        return make_disk(self.logs / "cluster.ext4", files, size="32M")

    def ivi_disk(self):
        music = self.logs / "music.wav"
        subprocess.run([self.built("music"), music, str(MUSIC_SECONDS)], check=True)
        files = {path.name: path for path in (HERE / "ivi").iterdir()}
        return make_disk(self.logs / "ivi.ext4", {**files, "music.wav": music}, size="160M")

    # -- steps and chapters --

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

    def chapter(self, title, text):
        """Of the report's story; pictures, facts and what a command said are added to it."""
        self.chapters.append({"title": title, "text": text, "facts": [], "pictures": [],
                              "said": []})

    def fact(self, value, label):
        self.chapters[-1]["facts"].append((value, label))

    def figure(self, value, label):
        self.figures.append((value, label))

    def add_picture(self, name, text, wide=True):
        self.chapters[-1]["pictures"].append({"file": f"{name}.png", "text": text, "wide": wide})

    def keep_said(self, name, *command):
        """What a command of fascia's says now, beside the report and in it."""
        said = self.service.command(*command).stdout
        (self.folder / f"{name}.txt").write_text(said)
        self.chapters[-1]["said"].append({"command": f"fascia {' '.join(command)}",
                                          "file": f"{name}.txt", "text": said})
        return said

    # -- pictures --

    def take(self, name, text, condition=lambda shot: True):
        """A picture for the report, as soon as one fulfils the condition; returns it."""
        path = self.folder / f"{name}.png"

        def shoot():
            shot = self.service.screenshot(path)
            return shot if condition(shot) else None

        shot = self.service.wait_for(shoot, f"a picture: {text}")
        self.add_picture(name, text)
        return shot

    def look(self, layer=None):
        """The output now, or what it shows at a layer's place."""
        shot = self.service.screenshot(self.logs / "look.png")
        return shot.crop(*PLACES[layer]) if layer else shot

    @staticmethod
    def shows_guest_cluster(shot):
        """Whether the cluster is drawn by its guest: its pictures carry the tag."""
        return shot.pixel(*PLACES[CLUSTER][:2]) == TAG_MARK

    @staticmethod
    def shows_desktop(shot):
        """Whether weston's panel, its terminal and the clients' many colours are there."""
        return shot.crop(*PLACES[IVI]).colours() > 1000

    def shows(self, name, state):
        """Whether a telltale is exactly as it has to be."""
        return self.telltales.state_of(name, self.look()) == state

    def learn_telltales(self):
        """Where they are is what the service says; what they look like, the guest's own program."""
        places = {name: (r["x"], r["y"], r["width"], r["height"])
                  for name, r in self.service.regions().items() if r["check"] == "exact"}
        self.telltales = Telltales(self.built("cluster-hmi"), self.built("cluster.atlas"),
                                   self.logs, places, PLACES[CLUSTER][:2])

    def guest_picture(self, name):
        """What the cluster's guest drew next, fetched out of it."""
        path = f"/run/{name}.ppm"
        self.vehicle.tell_guest(f"picture {path}.new")
        self.cluster.wait_until(f"grep -q '{path}.new: written' /run/cluster-hmi.log",
                                "its picture")
        text = self.cluster.run(f"busybox gzip -c {path}.new | busybox base64")
        return Picture.from_ppm(gzip.decompress(base64.b64decode(text)))

    # -- waiting --

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

    def wait_played(self, guest, seconds):
        """Until the guest has played so much more: one that is slow keeps nobody waiting for long."""
        goal = self.service.played_bytes(guest) + seconds * 48000 * 4
        self.service.wait_for(lambda: self.service.played_bytes(guest) >= goal,
                              f"{seconds} s of {guest}'s sound to be played")

    def wait_speed(self, least):
        """Until the drive is as fast."""
        self.service.wait_for(lambda: self.vehicle.speed >= least, f"{least} km/h")

    def newest_fault(self):
        faults = self.service.faults()
        return faults[-1]["number"] if faults else 0

    def wait_fault(self, after, what, **keys):
        """Until the fault log has a record after that number with these values; returns it. Its
        answer is shown by then."""
        def find():
            for fault in self.service.faults():
                if fault["number"] > after and all(fault[k] == v for k, v in keys.items()):
                    return fault if fault["safe_after_ms"] is not None else None
            return None

        return self.service.wait_for(find, what)

    # -- the end, whatever happened --

    def close(self):
        if self.recording:
            with contextlib.suppress(Exception):
                self.recording.stop()
        self.keep_guest_logs()
        self.keep_service_logs()
        with contextlib.suppress(Exception):
            self.vehicle.stop()
        self.cluster.kill()
        self.ivi.kill()
        self.service.__exit__()
        for name in ("cluster.ext4", "ivi.ext4", "music.wav", "look.png", "expected.ppm"):
            (self.logs / name).unlink(missing_ok=True)
        for name in ("cluster.ext4.d", "ivi.ext4.d"):
            shutil.rmtree(self.logs / name, ignore_errors=True)

    def keep_service_logs(self):
        for name, command in (("log", ["log"]), ("status", ["status"])):
            with contextlib.suppress(Exception):
                text = self.service.command(*command, check=False).stdout
                (self.logs / name).write_text(text)

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
            "chapters": self.chapters, "figures": self.figures,
            "seconds": time.monotonic() - self.start,
        })
        self.report.setdefault("kernel", "not reached")
        version = subprocess.run([from_environment("FASCIA_QEMU"), "--version"],
                                 capture_output=True, text=True, check=True).stdout
        first_line = version.splitlines()[0].replace("QEMU emulator version", "QEMU")
        self.report["qemu"] = first_line.split(" (")[0]
        demo_report.write(self.folder, self.report)
