"""A running fascia, driven through its command line as a user would."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time

from tests.guest.picture import Picture

GUARD_SECONDS = 120


class ServiceError(Exception):
    pass


class Service:
    """`fascia run CONFIG`, its log in `folder`. Sockets live in a short path of their own, for a
    socket's path may have 107 bytes only."""

    def __init__(self, config, folder):
        self.program = os.path.join(os.environ["FASCIA_BUILD"], "service/fascia")
        self.config = config
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.runtime = tempfile.mkdtemp(prefix="fascia-")
        self.log_path = self.folder / "fascia.log"
        self.process = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.runtime, ignore_errors=True)

    def gpu_socket(self, guest):
        return os.path.join(self.runtime, f"gpu-{guest}")

    def sound_socket(self, guest):
        return os.path.join(self.runtime, f"sound-{guest}")

    def channel_socket(self, guest):
        return os.path.join(self.runtime, f"channel-{guest}")

    # -- starting and ending --

    def start(self):
        with open(self.log_path, "wb") as log:
            # whatever ends us asks the service to end
            self.process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "TERM", self.program, "--runtime", self.runtime, "run",
                 str(self.config)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.wait_for(self.is_running, "all processes of the service to run")

    def is_running(self):
        if self.command("status", "--json", check=False).returncode != 0:
            return False
        states = [value for name, value in self.values("keeper").items()
                  if name.startswith("process.") and name.endswith(".state")]
        return states and all(state == "running" for state in states)

    def stop(self):
        """Asks it to end; returns its exit status."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(GUARD_SECONDS)
        except subprocess.TimeoutExpired as error:
            raise ServiceError(f"fascia did not end on SIGTERM\n{self.tail()}") from error

    def tail(self):
        lines = self.log_path.read_text(errors="replace").splitlines()[-20:]
        return "".join(f"  fascia: {line}\n" for line in lines)

    def wait_for(self, condition, what, guard=GUARD_SECONDS):
        """Waits until condition() returns something true; returns that."""
        deadline = time.monotonic() + guard
        while True:
            result = condition()
            if result:
                return result
            if self.process.poll() is not None:
                raise ServiceError(
                    f"fascia ended ({self.process.returncode}) before {what}\n{self.tail()}")
            if time.monotonic() > deadline:
                raise ServiceError(f"waited {guard} s for {what}\n{self.tail()}")
            time.sleep(0.05)

    # -- its command line --

    def command(self, *arguments, check=True):
        result = subprocess.run([self.program, "--runtime", self.runtime, *map(str, arguments)],
                                capture_output=True, text=True, timeout=GUARD_SECONDS)
        if check and result.returncode != 0:
            raise ServiceError(f"fascia {' '.join(map(str, arguments))}: status "
                               f"{result.returncode}: {result.stderr.strip()}")
        return result

    def values(self, process):
        """A process' counters and states, by name."""
        for page in json.loads(self.command("status", "--json").stdout)["processes"]:
            if page["name"] == process:
                return page["values"]
        raise ServiceError(f"`fascia status` knows no process {process}")

    def compositor(self, name):
        return self.values("compositor")[name]

    def layer_state(self, layer):
        return self.compositor(f"layer.{layer}.state")

    def layer_frames(self, layer):
        return self.compositor(f"layer.{layer}.frames")

    def layer_losses(self, layer):
        return self.compositor(f"layer.{layer}.losses")

    def output_state(self, output):
        return self.compositor(f"output.{output}.state")

    def ticks(self, output):
        return self.compositor(f"output.{output}.ticks")

    def fallbacks(self, output):
        return self.compositor(f"output.{output}.fallbacks")

    def fallback_ns(self, output):
        """CLOCK_MONOTONIC when the fallback's newest first frame was complete."""
        return self.compositor(f"output.{output}.fallback_ns")

    def faults(self):
        """The fault log, the oldest first; fascia(1) names the keys."""
        out = self.command("log", "--faults", "--json").stdout
        return [json.loads(line) for line in out.splitlines()]

    def regions(self):
        """What is checked in each frame, by name."""
        out = self.command("regions", "--json").stdout
        return {region["name"]: region for region in map(json.loads, out.splitlines())}

    def mixed_frames(self):
        return self.values("mixer")["mix.frames"]

    def is_playing(self, guest):
        """Whether one of the guest's streams runs."""
        values = self.values(f"sound-{guest}")
        return any(value == "running" for name, value in values.items()
                   if name.startswith("stream.") and name.endswith(".state"))

    def played_bytes(self, guest):
        """Of all streams of the guest's sound device."""
        return sum(value for name, value in self.values(f"sound-{guest}").items()
                   if name.startswith("stream.") and name.endswith(".bytes"))

    def layer(self, name, *change):
        self.command("layer", name, *change)

    def screenshot(self, path):
        self.command("screenshot", path)
        return Picture.from_png(path)

    def record(self, path):
        return Recording(self, path)


class Recording:
    """`fascia record`, from now until stop()."""

    def __init__(self, service, path):
        self.path = path
        self.process = subprocess.Popen(
            [service.program, "--runtime", service.runtime, "record", str(path)],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.begun = self.process.stdout.readline()
        if self.begun != "recording\n":
            raise ServiceError(f"fascia record: {self.begun}{self.process.stdout.read()}")

    def stop(self):
        """Ends it; returns its exit status and what it said."""
        self.process.send_signal(signal.SIGINT)
        said, _ = self.process.communicate(timeout=GUARD_SECONDS)
        return self.process.returncode, said
