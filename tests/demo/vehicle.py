"""The vehicle: plays a drive, and says the same to the host and to the cluster's guest.

The host gets it as a vehicle would send it, protected, by `fascia signal -`; the guest as lines of text
over a virtio-serial port, as its own bus would bring it.
"""

import contextlib
import pathlib
import re
import socket
import subprocess
import threading
import time

CYCLE_SECONDS = 0.05
REPEAT_CYCLES = 10  # the guest hears all of it so often, though nothing changed
DECIMALS = {"speed": 1, "fuel": 1, "outside": 1, "trip": 1}


class Drive:
    """A drive as fascia(1) describes it: each signal's steps (seconds, value, whether linearly)."""

    def __init__(self, path):
        self.steps, self.seconds = {}, 0.0
        for line in pathlib.Path(path).read_text().splitlines():
            words = line.split("#")[0].split()
            if words and words[0] != "loop":
                self.seconds = float(words[0])
                for word in words[1:]:
                    self.add(*word.split("="))

    def add(self, name, value):
        step = (self.seconds, value.rstrip("~"), value.endswith("~"))
        self.steps.setdefault(name, []).append(step)

    def values(self, seconds):
        """name -> text."""
        at = seconds % self.seconds
        return {name: self.value(name, steps, at) for name, steps in self.steps.items()}

    @staticmethod
    def value(name, steps, at):
        last = None
        for seconds, value, linearly in steps:
            if at >= seconds:
                last = (seconds, value)
                continue
            if linearly and last:
                begin, first = last[0], float(last[1])
                now = first + (float(value) - first) * (at - begin) / (seconds - begin)
                return f"{now:.{DECIMALS.get(name, 0)}f}"
            break
        # what no line has set yet: a telltale is off, a reading unknown
        unset = "off" if steps[0][1] in ("on", "off") else "-"
        return last[1] if last else unset


class Vehicle:
    """Plays from start() to stop(), in a thread of its own."""

    def __init__(self, service, drive_path, port_path, log_path):
        self.service, self.port_path, self.log_path = service, port_path, log_path
        self.drive = Drive(drive_path)
        self.held = {}  # replaced as a whole, never changed
        self.current = {}
        self.lock = threading.Lock()  # of the port
        self.port = None
        self.rest = b""  # of a line that did not fit
        self.sender = None
        self.thread = None
        self.ended = threading.Event()

    def start(self):
        self.log = open(self.log_path, "wb")
        self.sender = subprocess.Popen(
            ["setpriv", "--pdeathsig", "TERM", self.service.program, "--runtime",
             self.service.runtime, "signal", "-"],
            stdin=subprocess.PIPE, stdout=self.log, stderr=self.log)
        self.begin = time.monotonic()
        self.thread = threading.Thread(target=self.play, daemon=True)
        self.thread.start()

    def stop(self):
        """Returns the sender's exit status."""
        self.ended.set()
        if self.thread:
            self.thread.join()
        self.leave_guest()
        if self.sender is None:
            return 0
        with contextlib.suppress(OSError):
            self.sender.stdin.close()
        status = self.sender.wait(30)
        self.log.close()
        self.sender = None
        return status

    # -- what is said --

    @property
    def speed(self):
        return float(self.current.get("speed", 0))

    def hold(self, **values):
        """These signals have these values, whatever the drive says; turn_left for turn-left."""
        self.held = {**self.held, **{name.replace("_", "-"): value
                                     for name, value in values.items()}}

    def release(self, *names):
        self.held = {name: value for name, value in self.held.items() if name not in names}

    def play(self):
        cycle = 0
        while not self.ended.wait(CYCLE_SECONDS):
            now = {**self.drive.values(time.monotonic() - self.begin), **self.held}
            changed = {name: value for name, value in now.items()
                       if self.current.get(name) != value}
            self.current = now
            cycle += 1
            self.tell_host(changed)
            self.tell_guest(self.line(now if cycle % REPEAT_CYCLES == 0 else changed))

    @staticmethod
    def line(values):
        return " ".join(f"{name}={value}" for name, value in values.items())

    def tell_host(self, values):
        with contextlib.suppress(BrokenPipeError):  # the sender's end is seen by who waits for it
            for name, value in values.items():
                self.sender.stdin.write(f"{name}={value}\n".encode())
            self.sender.stdin.flush()

    # -- the guest's port --

    def meet_guest(self):
        """To be called when its HMI is about to listen."""
        port = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        port.connect(str(self.port_path))
        port.setblocking(False)
        with self.lock:
            self.port, self.rest = port, b""
        self.tell_guest(self.line(self.current))

    def leave_guest(self):
        with self.lock:
            if self.port:
                self.port.close()
            self.port = None

    def tell_guest(self, line):
        """A line of signals, or an order of cluster-hmi's. Signals that do not fit are said again
        soon; an order comes after what did not fit."""
        is_order = not re.match(r"[a-z-]+=", line)
        with self.lock:
            if not self.port or not line or (self.rest and not is_order):
                line = ""
            self.rest += f"{line}\n".encode() if line else b""
            try:
                while self.port and self.rest:
                    self.rest = self.rest[self.port.send(self.rest):]
            except BlockingIOError:
                pass
            except OSError:  # the guest is gone
                self.port.close()
                self.port = None
