"""A Linux guest under QEMU, and commands run in it.

Used by the demo and by the guest tests. The guest image and its command port are described in
tests/guest/image/init; where image and QEMU are comes from ./dev in FASCIA_ variables.

    with Machine("ivi", folder, gpu="own", gpu_socket=..., sound_socket=..., disk=...) as machine:
        machine.start()
        print(machine.run("uname -r"))

Waits end by what they wait for; the bound of a wait is only a guard against hanging for ever.
"""

import os
import pathlib
import select
import shlex
import signal
import socket
import subprocess
import time

GUARD_SECONDS = 300
END_OF_COMMAND = b"\x1eexit "

# How a guest gets its display device; "own": the back-end owns the screen; "qemu": QEMU does.
DISPLAYS = {
    "none": None,
    "own": "vhost-user-test-device-pci,virtio-id=16,num_vqs=2,config_size=16,vq_size=256,"
           "chardev=gpu",
    "qemu": "vhost-user-gpu-pci,chardev=gpu",
}


class MachineError(Exception):
    pass


class MachineTimeout(MachineError):
    pass


def from_environment(name):
    value = os.environ.get(name)
    if not value:
        raise MachineError(f"{name} is not set: run this through ./dev")
    return value


def make_disk(path, files, size="64M"):
    """Makes the disk that a guest sees as /fascia. `files`: name in the guest -> file here."""
    folder = pathlib.Path(f"{path}.d")
    folder.mkdir(parents=True, exist_ok=True)
    for name, source in files.items():
        data = pathlib.Path(source).read_bytes()
        target = folder / name
        target.write_bytes(data)
        target.chmod(0o755)
    pathlib.Path(path).unlink(missing_ok=True)
    subprocess.run(
        ["mke2fs", "-q", "-t", "ext4", "-L", "fascia", "-O", "^has_journal", "-d", str(folder),
         str(path), size],
        check=True, env={**os.environ, "PATH": os.environ["PATH"] + ":/usr/sbin:/sbin"})
    return path


class Machine:
    def __init__(self, name, folder, gpu="none", gpu_socket=None, sound_socket=None,
                 channel_socket=None, disk=None, memory="512M", processors=1, append="",
                 may_reboot=False, extra=()):
        self.name = name
        self.folder = pathlib.Path(folder)
        self.gpu, self.gpu_socket, self.sound_socket = gpu, gpu_socket, sound_socket
        self.channel_socket = channel_socket
        self.disk, self.memory, self.processors = disk, memory, processors
        self.append, self.may_reboot, self.extra = append, may_reboot, list(extra)
        self.process = None
        self.port = None
        self.received = b""
        self.starts = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()

    # -- starting and ending --

    def command_line(self):
        line = [
            from_environment("FASCIA_QEMU"), "-nodefaults", "-display", "none", "-vga", "none",
            "-name", self.name,
            "-M", "q35,memory-backend=memory", "-accel", "tcg,thread=multi", "-m", self.memory,
            "-object", f"memory-backend-memfd,id=memory,size={self.memory},share=on",
            "-smp", str(self.processors),
            "-kernel", from_environment("FASCIA_GUEST_KERNEL"),
            "-initrd", from_environment("FASCIA_GUEST_INITRD"),
            "-append",
            f"{from_environment('FASCIA_GUEST_APPEND')} panic=-1 {self.append}",
            "-serial", f"file:{self.log_path}",
            "-drive", "if=none,id=root,format=raw,readonly=on,file="
            + from_environment("FASCIA_GUEST_ROOT"),
            "-device", "virtio-blk-pci,drive=root",
            "-device", "virtio-serial-pci",
            "-chardev", f"socket,id=command,path={self.port_path},server=on,wait=off",
            "-device", "virtserialport,chardev=command,name=fascia.command",
        ]
        if not self.may_reboot:
            line += ["-no-reboot"]
        if self.disk:
            line += ["-drive", f"if=none,id=fascia,format=raw,readonly=on,file={self.disk}",
                     "-device", "virtio-blk-pci,drive=fascia"]
        if DISPLAYS[self.gpu]:
            line += ["-chardev", f"socket,id=gpu,path={self.gpu_socket}",
                     "-device", DISPLAYS[self.gpu]]
        if self.sound_socket:
            line += ["-chardev", f"socket,id=sound,path={self.sound_socket}",
                     "-device", "vhost-user-snd-pci,chardev=sound"]
        if self.channel_socket:  # fascia-channel(7)
            line += ["-chardev", f"socket,id=channel,path={self.channel_socket},"
                     "reconnect-ms=1000",
                     "-device", "virtserialport,chardev=channel,name=org.fascia.channel"]
        return line + self.extra

    @property
    def log_path(self):
        """What the guest's kernel says on its serial console, a file per start."""
        return self.folder / f"{self.name}-{self.starts}.console"

    @property
    def qemu_log_path(self):
        return self.folder / f"{self.name}-{self.starts}.qemu"

    @property
    def port_path(self):
        return self.folder / f"{self.name}.port"

    def start(self):
        """Starts QEMU; returns at once. The first run() waits for the guest to be up."""
        assert self.process is None
        self.folder.mkdir(parents=True, exist_ok=True)
        self.starts += 1
        self.received = b""
        self.port_path.unlink(missing_ok=True)
        with open(self.qemu_log_path, "wb") as log:
            # whatever ends us ends the guest
            self.process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", *self.command_line()],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.connect()

    def connect(self):
        deadline = time.monotonic() + GUARD_SECONDS
        while True:
            self.check_alive()
            port = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            try:
                port.connect(str(self.port_path))
                self.port = port
                return
            except OSError as error:
                port.close()
                if time.monotonic() > deadline:
                    raise MachineError(f"{self.name}: no command port: {error}") from error
                time.sleep(0.02)

    @property
    def alive(self):
        return self.process is not None and self.process.poll() is None

    def check_alive(self):
        if not self.alive:
            status = self.process.returncode if self.process else "never started"
            raise MachineError(f"{self.name}: QEMU ended ({status})\n{self.tail()}")

    def tail(self):
        text = ""
        for path in (self.qemu_log_path, self.log_path):
            if path.exists():
                lines = path.read_text(errors="replace").splitlines()[-15:]
                text += "".join(f"  {path.name}: {line}\n" for line in lines)
        return text

    def kill(self):
        """Ends QEMU like a power cut. Returns the moment (CLOCK_MONOTONIC, ns) before the kill."""
        moment = time.monotonic_ns()
        if self.process:
            if self.alive:
                self.process.send_signal(signal.SIGKILL)
            self.process.wait()
            self.process = None
        if self.port:
            self.port.close()
            self.port = None
        return moment

    # -- commands in the guest --

    def run(self, command, check=True, guard=GUARD_SECONDS):
        """Runs one shell line in the guest; returns what it printed, or (status, output) without
        `check`."""
        assert "\n" not in command
        self.port.sendall(command.encode() + b"\n")
        status, output = self.receive(command, guard)
        if not check:
            return status, output
        if status != 0:
            raise MachineError(f"{self.name}: `{command}` ended with {status}:\n{output}")
        return output

    def spawn(self, command, log="/dev/null"):
        """Starts what outlives the call, its output in a file of the guest."""
        self.run(f"setsid sh -c {shlex.quote(command)} >{log} 2>&1 </dev/null &")

    def reboot(self):
        """Restarts the guest's kernel at once; returns when it is up again."""
        assert self.may_reboot
        self.port.sendall(b"busybox reboot -f\n")
        self.synchronise()

    def synchronise(self):
        """Lines that the old kernel had received are lost: asks until the newest is answered."""
        deadline = time.monotonic() + GUARD_SECONDS
        number = 0
        while True:
            number += 1
            self.port.sendall(f"echo synchronise {number}\n".encode())
            try:
                _, output = self.receive("echo", 1)
                while not output.endswith(f"synchronise {number}\n"):
                    _, output = self.receive("echo", 1)
                return
            except MachineTimeout:
                if time.monotonic() > deadline:
                    raise

    def wait_until(self, command, what, guard=GUARD_SECONDS, pause=0.3):
        """Runs a command again and again until it succeeds; returns what it printed then."""
        deadline = time.monotonic() + guard
        while True:
            status, output = self.run(command, check=False)
            if status == 0:
                return output
            if time.monotonic() > deadline:
                raise MachineError(f"{self.name}: waited {guard} s for {what}: {output}")
            time.sleep(pause)

    def receive(self, command, guard):
        deadline = time.monotonic() + guard
        while True:
            begin = self.received.find(END_OF_COMMAND)
            end = self.received.find(b"\n", begin) if begin >= 0 else -1
            if end >= 0:
                output = self.received[:begin].decode(errors="replace")
                status = int(self.received[begin + len(END_OF_COMMAND):end])
                self.received = self.received[end + 1:]
                return status, output
            self.receive_more(command, deadline, guard)

    def receive_more(self, command, deadline, guard):
        if select.select([self.port], [], [], 1)[0]:
            data = self.port.recv(65536)
            if not data:
                self.process.wait(10)
                self.check_alive()
            self.received += data
        self.check_alive()
        if time.monotonic() > deadline:
            raise MachineTimeout(
                f"{self.name}: `{command}` did not end within {guard} s\n{self.tail()}")
