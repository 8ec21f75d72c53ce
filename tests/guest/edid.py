"""What an EDID block says, read by this test's own eyes (VESA E-EDID 1.4)."""

import struct


class Edid:
    def __init__(self, data):
        if len(data) < 128 or data[:8] != b"\x00\xff\xff\xff\xff\xff\xff\x00":
            raise ValueError(f"not an EDID: {data[:16].hex()} ({len(data)} bytes)")
        for start in range(0, len(data), 128):
            if sum(data[start:start + 128]) % 256:
                raise ValueError(f"the block at {start} has a wrong checksum")
        self.data = data
        self.name = self.text(0xfc)
        self.serial_text = self.text(0xff)
        self.serial, = struct.unpack_from("<I", data, 12)
        self.width, self.height, self.width_mm, self.height_mm = self.preferred()

    def descriptors(self):
        return [self.data[at:at + 18] for at in range(54, 126, 18)]

    def text(self, tag):
        for descriptor in self.descriptors():
            if descriptor[:4] == bytes((0, 0, 0, tag)):
                return descriptor[5:18].split(b"\n")[0].decode("ascii").rstrip()
        return ""

    def preferred(self):
        """Of the first detailed timing."""
        timing = self.descriptors()[0]
        if timing[:2] == b"\x00\x00":
            raise ValueError("the first descriptor is no timing")
        return (timing[2] | (timing[4] & 0xf0) << 4, timing[5] | (timing[7] & 0xf0) << 4,
                timing[12] | (timing[14] & 0xf0) << 4, timing[13] | (timing[14] & 0x0f) << 8)
