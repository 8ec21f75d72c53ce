"""What a telltale looks like: drawn on this side by the guest's own program, from the same atlas."""

import subprocess

from tests.guest.picture import Picture


class Telltales:
    """`places`: name -> x, y, width, height on the output; `origin`: where the cluster is on it."""

    def __init__(self, program, atlas, folder, places, origin):
        self.program, self.atlas, self.folder = program, atlas, folder
        self.places, self.origin = places, origin
        self.drawn = {}

    def cluster(self, **values):
        """The whole cluster with these signals, all others unknown."""
        words = tuple(f"{name.replace('_', '-')}={value}" for name, value in values.items())
        if words not in self.drawn:
            path = self.folder / "expected.ppm"
            subprocess.run([self.program, "--atlas", self.atlas, "--picture", path, *words],
                           check=True)
            self.drawn[words] = Picture.from_ppm(path.read_bytes())
            path.unlink()
        return self.drawn[words]

    def place_in_cluster(self, name):
        x, y, width, height = self.places[name]
        return x - self.origin[0], y - self.origin[1], width, height

    def lamp(self, name, state, theme):
        return self.cluster(**{name: state, "theme": theme}).crop(*self.place_in_cluster(name))

    def state_of(self, name, picture, on_output=True):
        """"on" or "off" in either theme, None for anything else."""
        place = self.places[name] if on_output else self.place_in_cluster(name)
        shown = picture.crop(*place)
        for state in ("on", "off"):
            if any(shown == self.lamp(name, state, theme) for theme in ("day", "night")):
                return state
        return None
