"""Small frames in real files, with the headers and pixels that a test wants."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from astropy.io import fits
from numpy.typing import NDArray

SHAPE = (12, 20)

Edit: TypeAlias = Callable[[NDArray[Any]], NDArray[Any]]


class Shooter:
    """Writes small frames, each with pixels of its own, a minute apart."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._count = 0

    def take(
        self, name: str, n_frames: int, *, kind: str | None = "FLAT", level: float = 30000.0,
        shape: tuple[int, int] = SHAPE, start: str = "2026-03-14T20:00:00", edit: Edit | None = None, **cards: object,
    ) -> list[Path]:  # fmt: skip
        """Frames ``name_01.fits`` ...; ``cards`` replace those of the header, ``None`` removes one.

        ``level`` is that of the light, above a bias of 500; ``edit`` changes the pixels (uint16) before they are
        written.
        """
        first = datetime.datetime.fromisoformat(start)
        made = []
        for number in range(1, n_frames + 1):
            self._count += 1
            rng = np.random.default_rng(self._count)
            lit = kind is not None and "FLAT" in kind.upper() and "DARK" not in kind.upper()
            light = rng.poisson(level * (1 + 0.002 * number), shape) if lit or kind is None else 0
            pixels = np.rint(np.clip(light + rng.normal(500, 5, shape), 0, 65535)).astype(np.uint16)
            when = (first + datetime.timedelta(minutes=number)).isoformat()
            header = fits.Header()
            known: dict[str, object] = {
                "IMAGETYP": kind, "EXPTIME": 2.0, "FILTER": "Ha" if lit else None, "INSTRUME": "Test CMOS",
                "GAIN": 100, "OFFSET": 50, "XBINNING": 1, "YBINNING": 1, "CCD-TEMP": -10.0, "DATE-OBS": when,
                "SITELONG": 0.0,
            } | cards  # fmt: skip
            header.update({key: value for key, value in known.items() if value is not None})
            path = self.folder / f"{name}_{number:02d}.fits"
            path.parent.mkdir(parents=True, exist_ok=True)
            fits.writeto(path, pixels if edit is None else edit(pixels), header)
            made.append(path)
        return made


class Night(Shooter):
    """A folder ``night`` to be filled with frames below a folder, and the job that is asked for with it.

    Four folders lie between the two: the name of a test must not tell what kind the frames are.
    """

    def __init__(self, top: Path) -> None:
        super().__init__(top / "data" / "2026" / "march" / "night")
        self.top = top
        self.output = top / "out"

    def flats(self, n_frames: int = 5, *, name: str = "flat", **more: Any) -> list[Path]:
        """Flats of Ha, 2 s, at half of full scale."""
        return self.take(name, n_frames, **more)

    def dark_flats(self, n_frames: int = 5, *, name: str = "darkflat", **more: Any) -> list[Path]:
        """Dark flats of 2 s."""
        return self.take(name, n_frames, **{"kind": "DARKFLAT", **more})

    def darks(self, n_frames: int = 5, *, name: str = "dark", **more: Any) -> list[Path]:
        """Darks of 60 s."""
        return self.take(name, n_frames, **{"kind": "DARK", "EXPTIME": 60.0, **more})

    def bias(self, n_frames: int = 5, *, name: str = "bias", **more: Any) -> list[Path]:
        """Bias frames."""
        return self.take(name, n_frames, **{"kind": "BIAS", "EXPTIME": 0.0, **more})

    def lights(
        self, n_frames: int = 1, *, name: str = "light", sky: int = 1000, edit: Edit | None = None, **more: Any
    ) -> list[Path]:
        """Lights of Ha, 60 s, with a sky of ``sky`` ADU; ``edit`` comes after it."""

        def lit(pixels: NDArray[Any]) -> NDArray[Any]:
            with_sky = (pixels + np.int32(sky)).clip(0, 65535).astype(np.uint16)
            return with_sky if edit is None else edit(with_sky)

        return self.take(name, n_frames, edit=lit, **{"kind": "LIGHT", "EXPTIME": 60.0, "FILTER": "Ha", **more})

    def beside(self, name: str) -> Night:
        """Another folder beside the night, whose frames have pixels of their own."""
        other = Night(self.top)
        other.folder = self.folder.parent / name
        other._count = self._count + 1000
        return other

    def job(self, *options: str | Path, command: str = "flats") -> tuple[str, ...]:
        """The command with the night as its folder and ``out`` as its output."""
        return (command, "-o", str(self.output), *map(str, options), str(self.folder))


def spoil_pixels(path: Path) -> Path:
    """Pack a frame as one tile, and break it: the header can be read, the pixels cannot."""
    pixels, header = fits.getdata(path, header=True)
    packed = path.with_name(f"{path.name}.fz")
    fits.CompImageHDU(pixels, header, compression_type="GZIP_1", tile_shape=pixels.shape).writeto(packed)
    path.unlink()
    data = bytearray(packed.read_bytes())
    at = data.index(b"\x1f\x8b\x08")
    # From the time on, which would make each file another one.
    data[at + 4 : at + 30] = b"\xff" * 26
    packed.write_bytes(data)
    return packed


def planes(path: Path, count: int) -> None:
    """Make a picture of several planes of a frame."""
    pixels, header = fits.getdata(path, header=True)
    fits.writeto(path, np.stack([pixels] * count), header, overwrite=True)


def cut(path: Path, n_bytes: int) -> None:
    """Keep the first bytes of a file only."""
    path.write_bytes(path.read_bytes()[:n_bytes])


def pixel(value: float, *, at: tuple[int, int] = (5, 7)) -> Edit:
    """An edit that gives one pixel a value."""

    def edit(pixels: NDArray[Any]) -> NDArray[Any]:
        pixels[at] = value
        return pixels

    return edit


def share(value: float, first: int) -> Edit:
    """An edit that gives so many pixels, counted from the first row, a value."""

    def edit(pixels: NDArray[Any]) -> NDArray[Any]:
        pixels.reshape(-1)[:first] = value
        return pixels

    return edit
