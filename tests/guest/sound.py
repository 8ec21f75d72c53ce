"""Recordings: WAV files as samples, the tones in them, and a picture of their shape."""

import array
import os
import pathlib
import struct
import subprocess

FORMAT_PCM, FORMAT_FLOAT, FORMAT_EXTENSIBLE = 1, 3, 0xfffe


class Sound:
    """Interleaved stereo floats, full scale 1."""

    def __init__(self, rate, samples, bits):
        self.rate, self.samples, self.bits = rate, samples, bits

    @property
    def frames(self):
        return len(self.samples) // 2

    @property
    def seconds(self):
        return self.frames / self.rate

    def channel(self, index):
        return self.samples[index::2]

    def part(self, begin, end):
        """From one second to another."""
        first, last = int(begin * self.rate), int(end * self.rate)
        return Sound(self.rate, self.samples[2 * first:2 * last], self.bits)

    def tone_levels(self, frequencies, window_ms, hop_ms, channel=0):
        """A list of (seconds, [amplitude per frequency])."""
        tool = os.path.join(os.environ["FASCIA_BUILD"], "tests/guest/tone-levels")
        out = subprocess.run(
            [tool, str(self.rate), str(window_ms), str(hop_ms), *map(str, frequencies)],
            input=self.channel(channel).tobytes(), check=True, capture_output=True).stdout
        rows = [list(map(float, line.split())) for line in out.splitlines()]
        return [(row[0], row[1:]) for row in rows]

    def envelope(self, points):
        """`points` pairs (lowest, highest) of the left channel."""
        left = self.channel(0)
        pairs = []
        for i in range(points):
            piece = left[len(left) * i // points:len(left) * (i + 1) // points]
            pairs.append((min(piece), max(piece)) if piece else (0.0, 0.0))
        return pairs


def chunks_of(data):
    if data[:4] != b"RIFF" or data[8:12] != b"WAVE":
        raise ValueError("not a WAV file")
    chunks, at = {}, 12
    while at + 8 <= len(data):
        size = struct.unpack_from("<I", data, at + 4)[0]
        chunks[data[at:at + 4]] = data[at + 8:at + 8 + size]
        at += 8 + size + size % 2
    return chunks


def read_wav(path):
    chunks = chunks_of(pathlib.Path(path).read_bytes())
    kind, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", chunks[b"fmt "])
    if kind == FORMAT_EXTENSIBLE:
        kind = struct.unpack_from("<H", chunks[b"fmt "], 24)[0]
    if channels != 2 or (kind, bits) not in ((FORMAT_PCM, 16), (FORMAT_FLOAT, 32)):
        raise ValueError(f"{path}: format {kind}, {channels} channels, {bits} bit")
    data = chunks[b"data"]
    data = data[:len(data) - len(data) % (channels * bits // 8)]
    if kind == FORMAT_FLOAT:
        return Sound(rate, array.array("f", data), bits)
    return Sound(rate, array.array("f", (s / 32768 for s in array.array("h", data))), bits)


def write_wav(path, rate, samples):
    """`samples`: interleaved stereo, array of 16-bit integers."""
    data = samples.tobytes()
    header = struct.pack("<4sI4s4sIHHIIHH4sI", b"RIFF", 36 + len(data), b"WAVE", b"fmt ", 16,
                         FORMAT_PCM, 2, rate, rate * 4, 4, 16, b"data", len(data))
    pathlib.Path(path).write_bytes(header + data)


def peaks(levels, threshold, apart):
    """Moments at which a level is above the threshold and the highest within `apart` seconds.

    `levels`: a list of (seconds, level)."""
    found = []
    for seconds, level in levels:
        if level < threshold:
            continue
        if found and seconds - found[-1][0] < apart:
            if level > found[-1][1]:
                found[-1] = (seconds, level)
        else:
            found.append((seconds, level))
    return [seconds for seconds, _ in found]


def clicks(sound, hz=3400, threshold=0.03):
    """When the cluster's turn signal clicked."""
    levels = [(seconds, amplitudes[0])
              for seconds, amplitudes in sound.tone_levels([hz], window_ms=20, hop_ms=5)]
    return peaks(levels, threshold, apart=0.25)
