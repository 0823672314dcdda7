"""For every grouping, the frames that ought to meet do, and the masters are the plain float64 numbers."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits

from evenfield import CalibrationSettings, CombineSettings, GroupSettings, Report, rejection

SHAPE = (24, 40)
SIGMA = CombineSettings(rejection=rejection("sigma:2.5,2.5"))


class Shooter:
    """Writes frames with the header that a test wants; each gets pixels of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._count = 0
        self._field = 1.0 - 0.3 * np.linspace(-1, 1, SHAPE[1])[None, :] ** 2 * np.ones((SHAPE[0], 1))

    def take(self, name: str, n_frames: int, *, level: float = 2e4, kind: str = "FLAT", **cards: object) -> list[Path]:
        """``n_frames`` frames called ``name_01.fits`` and so on, a minute apart."""
        first = datetime.datetime.fromisoformat(str(cards.pop("start", "2026-03-14T20:00:00")))
        made = []
        for number in range(1, n_frames + 1):
            self._count += 1
            rng = np.random.default_rng(self._count)
            light = rng.poisson(level * (1 + 0.003 * number) * self._field) if kind == "FLAT" else 0
            pixels = np.clip(light + 500 + 0.7 * float(cards.get("EXPTIME", 0)) + rng.normal(0, 6, SHAPE), 0, 65535)
            header = fits.Header({"IMAGETYP": kind, "INSTRUME": "Test CMOS", "GAIN": 100, "OFFSET": 50,
                                  "XBINNING": 1, "YBINNING": 1, "SITELONG": 0.0})  # fmt: skip
            header["DATE-OBS"] = (first + datetime.timedelta(minutes=number)).isoformat()
            header.update(cards)
            path = self.folder / f"{name}_{number:02d}.fits"
            fits.writeto(path, np.rint(pixels).astype(np.uint16), header)
            made.append(path)
        return made


@pytest.fixture
def shooter(tmp_path: Path) -> Shooter:
    """A shooter into a folder of its own."""
    folder = tmp_path / "frames"
    folder.mkdir()
    return Shooter(folder)


def masters_of(report: Report) -> dict[frozenset[str], str]:
    """The frames that met, by file name, and the master they made."""
    return {
        frozenset(Path(path).name for path in one.inputs): one.outputs[0]
        for one in report.results
        if one.kind == "flat"
    }


@pytest.fixture
def check(
    shooter: Shooter, plain: Any, make: Callable[..., Report], same_pixels: Callable[..., int]
) -> Callable[..., None]:
    """Run with a grouping and compare every master: the groups given must be the groups made."""

    def run(groups: list[list[Path]], darks: list[Path], **parts: Any) -> None:
        report = make(shooter.folder, combine=SIGMA, **parts)
        made = masters_of(report)
        assert set(made) == {frozenset(path.name for path in group) for group in groups}
        dark = plain.dark(darks, reject="sigma:2.5,2.5") if darks else 0.0
        for group in groups:
            path = made[frozenset(one.name for one in group)]
            same_pixels(path, plain.flat(group, subtract=dark, reject="sigma:2.5,2.5"))

    return run


def test_by_filter_and_night(shooter: Shooter, check: Callable[..., None]) -> None:
    """By default each filter of each night makes a master; local noon parts the nights, midnight does not."""
    ha = shooter.take("ha", 6, FILTER="Ha", EXPTIME=2.0, start="2026-03-14T23:57:00")
    red = shooter.take("r", 6, FILTER="R", EXPTIME=2.0, start="2026-03-14T22:00:00")
    later = shooter.take("ha2", 6, FILTER="Ha", EXPTIME=2.0, start="2026-03-15T20:00:00")
    darks = shooter.take("dark", 6, kind="DARKFLAT", EXPTIME=2.0)
    check([ha, red, later], darks)


def test_join_night(shooter: Shooter, check: Callable[..., None]) -> None:
    """--join night brings the nights of one filter together."""
    ha = shooter.take("ha", 6, FILTER="Ha", EXPTIME=2.0)
    red = shooter.take("r", 6, FILTER="R", EXPTIME=2.0)
    later = shooter.take("ha2", 6, FILTER="Ha", EXPTIME=2.0, level=31000.0, start="2026-03-15T20:00:00")
    darks = shooter.take("dark", 6, kind="DARKFLAT", EXPTIME=2.0)
    check([ha + later, red], darks, group=GroupSettings(join=("night",)))


def test_by_filter_only(shooter: Shooter, check: Callable[..., None]) -> None:
    """--group-by filter is the same without the rest of the default keys."""
    ha = shooter.take("ha", 6, FILTER="Ha", EXPTIME=2.0, ROTATANG=10.0)
    later = shooter.take("ha2", 6, FILTER="Ha", EXPTIME=2.0, ROTATANG=50.0, start="2026-03-15T20:00:00")
    red = shooter.take("r", 6, FILTER="R", EXPTIME=2.0, ROTATANG=10.0)
    darks = shooter.take("dark", 6, kind="DARKFLAT", EXPTIME=2.0)
    check([ha + later, red], darks, group=GroupSettings(by=("filter",)))


def test_by_night_only(shooter: Shooter, check: Callable[..., None]) -> None:
    """--group-by night puts the filters of a night together."""
    ha = shooter.take("ha", 5, FILTER="Ha", EXPTIME=2.0)
    red = shooter.take("r", 5, FILTER="R", EXPTIME=2.0, start="2026-03-14T20:30:00")
    later = shooter.take("ha2", 6, FILTER="Ha", EXPTIME=2.0, start="2026-03-15T20:00:00")
    darks = shooter.take("dark", 6, kind="DARKFLAT", EXPTIME=2.0)
    check([ha + red, later], darks, group=GroupSettings(by=("night",)))


def test_by_rotator(shooter: Shooter, check: Callable[..., None]) -> None:
    """Rotator angles within a degree belong together, also across north."""
    here = shooter.take("a", 3, FILTER="Ha", EXPTIME=2.0, ROTATANG=359.8)
    north = shooter.take("b", 3, FILTER="Ha", EXPTIME=2.0, ROTATANG=0.3)
    there = shooter.take("c", 6, FILTER="Ha", EXPTIME=2.0, ROTATANG=93.0)
    darks = shooter.take("dark", 6, kind="DARKFLAT", EXPTIME=2.0)
    check([here + north, there], darks)


def test_split_temperature(shooter: Shooter, check: Callable[..., None]) -> None:
    """--split temperature makes three groups of the nine temperatures, each with the dark flats that fit it."""
    groups: list[list[Path]] = [[], [], []]
    nine = (0.1, -9.9, -15.07, -0.1, -10, -15, 0, -10.2, -15.2)
    for number, sensor_c in enumerate(nine):
        groups[number % 3] += shooter.take(f"t{number}", 2, FILTER="Ha", EXPTIME=2.0, **{"CCD-TEMP": sensor_c})
    pedestal = CalibrationSettings(mode="none")
    check(groups, [], group=GroupSettings(split=("temperature",)), calibration=pedestal)


def test_temperature_groups_each_take_their_own_dark_flats(
    shooter: Shooter, plain: Any, make: Callable[..., Report], same_pixels: Callable[..., int]
) -> None:
    """Flats at 0 C and -10 C are calibrated by the dark flats of their own temperature."""
    warm = shooter.take("warm", 6, FILTER="Ha", EXPTIME=2.0, **{"CCD-TEMP": 0.2})
    cold = shooter.take("cold", 6, FILTER="Ha", EXPTIME=2.0, **{"CCD-TEMP": -10.1})
    warm_dark = shooter.take("dw", 6, kind="DARKFLAT", EXPTIME=2.0, **{"CCD-TEMP": 0.0})
    cold_dark = shooter.take("dc", 6, kind="DARKFLAT", EXPTIME=2.0, **{"CCD-TEMP": -10.0})
    report = make(shooter.folder, group=GroupSettings(by=("filter", "temperature")))
    made = masters_of(report)
    for flats, darks in ((warm, warm_dark), (cold, cold_dark)):
        same_pixels(made[frozenset(one.name for one in flats)], plain.flat(flats, subtract=plain.dark(darks)))


def test_set_temperature_parts_by_default(shooter: Shooter, check: Callable[..., None]) -> None:
    """The set temperature parts flats where the header has one."""
    warm = shooter.take("warm", 6, FILTER="Ha", EXPTIME=2.0, **{"SET-TEMP": 0.0})
    cold = shooter.take("cold", 6, FILTER="Ha", EXPTIME=2.0, **{"SET-TEMP": -10.0})
    check([warm, cold], [], calibration=CalibrationSettings(mode="none"))


def test_split_exposure(
    shooter: Shooter, plain: Any, make: Callable[..., Report], same_pixels: Callable[..., int]
) -> None:
    """--split exposure gives each exposure its own master and dark flat."""
    short = shooter.take("s", 6, FILTER="Ha", EXPTIME=1.0)
    long = shooter.take("l", 6, FILTER="Ha", EXPTIME=4.0)
    short_dark = shooter.take("ds", 6, kind="DARKFLAT", EXPTIME=1.0)
    long_dark = shooter.take("dl", 6, kind="DARKFLAT", EXPTIME=4.0)
    made = masters_of(make(shooter.folder, group=GroupSettings(split=("exposure",))))
    for flats, darks in ((short, short_dark), (long, long_dark)):
        same_pixels(made[frozenset(one.name for one in flats)], plain.flat(flats, subtract=plain.dark(darks)))


def test_exposures_of_one_group_each_take_their_own_dark_flat(
    shooter: Shooter, plain: Any, make: Callable[..., Report], same_pixels: Callable[..., int]
) -> None:
    """One master from flats of two exposures: each frame loses the dark flat of its own exposure."""
    short = shooter.take("s", 5, FILTER="Ha", EXPTIME=1.0, level=12000.0)
    long = shooter.take("l", 5, FILTER="Ha", EXPTIME=30.0, level=25000.0, start="2026-03-14T20:10:00")
    short_dark = plain.dark(shooter.take("ds", 6, kind="DARKFLAT", EXPTIME=1.0))
    long_dark = plain.dark(shooter.take("dl", 6, kind="DARKFLAT", EXPTIME=30.0))
    (path,) = masters_of(make(shooter.folder)).values()
    wanted = plain.flat(short + long, subtract=[short_dark] * 5 + [long_dark] * 5)
    same_pixels(path, wanted)


def test_no_grouping(shooter: Shooter, check: Callable[..., None]) -> None:
    """--no-grouping makes one master of all flats, whatever their filter and night."""
    ha = shooter.take("ha", 4, FILTER="Ha", EXPTIME=2.0)
    red = shooter.take("r", 4, FILTER="R", EXPTIME=2.0, start="2026-03-15T20:00:00")
    darks = shooter.take("dark", 6, kind="DARKFLAT", EXPTIME=2.0)
    check([ha + red], darks, group=GroupSettings(no_grouping=True))


def test_must_keys_always_part(shooter: Shooter, check: Callable[..., None]) -> None:
    """Gain setting, offset setting, binning and camera part flats whatever --group-by says."""
    base = {"FILTER": "Ha", "EXPTIME": 2.0}
    groups = [
        shooter.take("a", 5, **base),
        shooter.take("b", 5, **base, GAIN=0),
        shooter.take("c", 5, **base, OFFSET=10),
        shooter.take("d", 5, **base, XBINNING=2, YBINNING=2),
        shooter.take("e", 5, **base, INSTRUME="Another CMOS"),
        shooter.take("f", 5, **base, READOUTM="High speed"),
    ]
    check(groups, [], group=GroupSettings(by=("filter",)), calibration=CalibrationSettings(mode="none"))
