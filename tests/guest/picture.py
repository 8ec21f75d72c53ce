"""Pictures as rows of RGB bytes, and the test patterns they are compared with."""

import os
import struct
import subprocess
import zlib

SMPTE_TOP = [(192, 192, 192), (192, 192, 0), (0, 192, 192), (0, 192, 0), (192, 0, 192),
             (192, 0, 0), (0, 0, 192)]
SMPTE_MIDDLE = [(0, 0, 192), (19, 19, 19), (192, 0, 192), (19, 19, 19), (0, 192, 192),
                (19, 19, 19), (192, 192, 192)]
SMPTE_BOTTOM = [(0, 33, 76), (255, 255, 255), (50, 0, 106), (19, 19, 19), (9, 9, 9),
                (19, 19, 19), (29, 29, 29), (19, 19, 19)]


class Picture:
    """Rows of width * 3 bytes."""

    def __init__(self, width, height, data):
        assert len(data) == width * height * 3
        self.width, self.height, self.data = width, height, bytes(data)

    @classmethod
    def from_png(cls, path):
        tool = os.path.join(os.environ["FASCIA_BUILD"], "tests/guest/png-ppm")
        return cls.from_ppm(subprocess.run([tool, str(path)], check=True,
                                           capture_output=True).stdout)

    @classmethod
    def from_ppm(cls, ppm):
        magic, size, depth, data = ppm.split(b"\n", 3)
        assert magic == b"P6" and depth == b"255"
        width, height = map(int, size.split())
        return cls(width, height, data)

    def write_png(self, path):
        rows = b"".join(b"\0" + self.row(y) for y in range(self.height))
        chunks = ((b"IHDR", struct.pack(">IIBBBBB", self.width, self.height, 8, 2, 0, 0, 0)),
                  (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b""))
        with open(path, "wb") as file:
            file.write(b"\x89PNG\r\n\x1a\n")
            for name, data in chunks:
                file.write(struct.pack(">I", len(data)) + name + data
                           + struct.pack(">I", zlib.crc32(name + data)))

    def row(self, y, x=0, width=None):
        width = self.width - x if width is None else width
        start = (y * self.width + x) * 3
        return self.data[start:start + width * 3]

    def pixel(self, x, y):
        start = (y * self.width + x) * 3
        return tuple(self.data[start:start + 3])

    def crop(self, x, y, width, height):
        rows = b"".join(self.row(y + i, x, width) for i in range(height))
        return Picture(width, height, rows)

    def __eq__(self, other):
        return (self.width, self.height, self.data) == (other.width, other.height, other.data)

    def difference(self, other):
        """None when equal; else the first differing pixel and how many differ, in words."""
        if (self.width, self.height) != (other.width, other.height):
            return f"{self.width}x{self.height}, not {other.width}x{other.height}"
        if self.data == other.data:
            return None
        wrong, first = 0, None
        for y in range(self.height):
            mine, theirs = self.row(y), other.row(y)
            if mine == theirs:
                continue
            for x in range(self.width):
                if mine[3 * x:3 * x + 3] != theirs[3 * x:3 * x + 3]:
                    wrong += 1
                    first = first or (x, y)
        x, y = first
        return (f"{wrong} of {self.width * self.height} pixels differ, the first at {x},{y}: "
                f"{self.pixel(x, y)}, not {other.pixel(x, y)}")

    def equal_part(self, other):
        """0..1: how many of the pixels are the same."""
        assert (self.width, self.height) == (other.width, other.height)
        same = 0
        for y in range(self.height):
            mine, theirs = self.row(y), other.row(y)
            if mine == theirs:
                same += self.width
            else:
                same += sum(mine[i:i + 3] == theirs[i:i + 3] for i in range(0, len(mine), 3))
        return same / (self.width * self.height)

    def differing_box(self, other):
        """x, y, width, height around the pixels that differ; None when equal."""
        rows = [y for y in range(self.height) if self.row(y) != other.row(y)]
        if not rows:
            return None
        left, right = self.width, 0
        for y in rows:
            mine, theirs = self.row(y), other.row(y)
            columns = [x for x in range(self.width)
                       if mine[3 * x:3 * x + 3] != theirs[3 * x:3 * x + 3]]
            left, right = min(left, columns[0]), max(right, columns[-1])
        return left, rows[0], right - left + 1, rows[-1] - rows[0] + 1

    def colours(self):
        return len({self.data[i:i + 3] for i in range(0, len(self.data), 3)})


def rows_picture(width, height, row_of):
    """A picture from row_of(y) -> bytes."""
    return Picture(width, height, b"".join(row_of(y) for y in range(height)))


def smpte(width, height):
    """The SMPTE RP 219-like bars that modetest draws: thirds of seven bars, then the pluge row."""
    def bars(colours):
        return b"".join(bytes(colours[x * 7 // width]) for x in range(width))

    def bottom():
        row = [SMPTE_BOTTOM[x * 4 // (width * 5 // 7)] for x in range(width * 5 // 7)]
        row += [SMPTE_BOTTOM[(x - width * 5 // 7) * 3 // (width // 7) + 4]
                for x in range(width * 5 // 7, width * 6 // 7)]
        row += [SMPTE_BOTTOM[7]] * (width - width * 6 // 7)
        return b"".join(map(bytes, row))

    top_row, middle_row, bottom_row = bars(SMPTE_TOP), bars(SMPTE_MIDDLE), bottom()

    def row_of(y):
        if y < height * 6 // 9:
            return top_row
        return middle_row if y < height * 7 // 9 else bottom_row

    return rows_picture(width, height, row_of)


def tiles(width, height):
    """modetest's tiles: colours that change every 64 pixels along x + y."""
    def colour(sum_xy):
        quotient, remainder = divmod(sum_xy, width)
        rgb = (0x00130502 * (quotient >> 6) + 0x000a1120 * (remainder >> 6)) & 0xffffff
        return bytes((rgb >> 16, rgb >> 8 & 0xff, rgb & 0xff))

    diagonal = b"".join(colour(i) for i in range(width + height))
    return rows_picture(width, height, lambda y: diagonal[3 * y:3 * (y + width)])


def plain(width, height):
    """modetest's plain: every byte 0x77."""
    return Picture(width, height, b"\x77" * (width * height * 3))
