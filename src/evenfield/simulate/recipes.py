"""Recipes: what a simulated night consists of, and three examples."""

from __future__ import annotations

import dataclasses

from evenfield.errors import SettingsError
from evenfield.simulate.camera import Camera
from evenfield.simulate.scene import DustMote, Lamp, Optics, Sky, lamp_for_level
from evenfield.simulate.shot import IMAGE_TYPES

SENSOR_DUST = (
    DustMote(row=0.31, column=0.22, radius=0.021, depth=0.09),
    DustMote(row=0.74, column=0.63, radius=0.016, depth=0.13),
    DustMote(row=0.52, column=0.86, radius=0.027, depth=0.05),
)
FLAT_SHARE = 0.48  # of full scale: the level at which people take flats


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FilterRecipe:
    """The flats of one filter.

    ``name`` is ``None`` without a filter wheel; ``transmission`` (0..1) is the share of light that passes; ``motes`` is
    the dust on the filter; ``exposure_s`` that of its flats and of their dark flats.
    """

    name: str | None
    transmission: float
    exposure_s: float
    n_flats: int = 20
    n_lights: int = 2
    motes: tuple[DustMote, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class NightRecipe:
    """All that decides a simulated night, but for the seed.

    Parameters
    ----------
    camera : Camera
    optics : Optics
    lamp : Lamp
    sky : Sky
    filters : tuple of FilterRecipe
    n_dark_flats : int
        For each exposure of the flats.
    n_bias, n_darks : int
    dark_exposure_s : float
        Of darks and lights, seconds.
    set_c, temperature_rms_c : float
        The cooler's set point and how well it holds it, degrees C.
    evening : str
        The date of the evening, "2026-03-14".
    longitude_deg : float
        Of the site, degrees east.
    image_types : str
        How IMAGETYP is written: a key of `IMAGE_TYPES`.

    Raises
    ------
    SettingsError
        If a filter is named twice, or ``image_types`` is unknown.
    """

    camera: Camera
    optics: Optics
    lamp: Lamp
    sky: Sky = dataclasses.field(default_factory=Sky)
    filters: tuple[FilterRecipe, ...]
    n_dark_flats: int = 20
    n_bias: int = 20
    n_darks: int = 10
    dark_exposure_s: float = 300.0
    set_c: float = -10.0
    temperature_rms_c: float = 0.08
    evening: str = "2026-03-14"
    longitude_deg: float = 10.0
    image_types: str = "short"

    def __post_init__(self) -> None:
        """Refuse what would give two files one name."""
        names = [each.name for each in self.filters]
        if len(set(names)) < len(names):
            raise SettingsError(f"The filters {names} name one twice.", mend="Give each filter a name of its own.")
        if self.image_types not in IMAGE_TYPES:
            raise SettingsError(
                f"There are no image types '{self.image_types}'.", mend=f"Choose one of {', '.join(IMAGE_TYPES)}."
            )


def cmos_camera(*, name: str = "Simulated CMOS 0.5 MP", shape: tuple[int, int] = (624, 836), seed: int = 1) -> Camera:
    """A cooled mono CMOS camera at gain setting 100, offset setting 50."""
    return Camera(
        name=name,
        shape=shape,
        egain_e_per_adu=0.26,
        read_noise_e=1.5,
        bias_adu=500.0,
        bias_pattern_adu=1.5,
        dark_e_per_s=0.003,
        glow_e_per_s=0.15,
        cosmic_rays_per_s=0.04,
        seed=seed,
    )


def example_night() -> NightRecipe:
    """A mono CMOS camera, two narrow filters, 20 flats and dark flats for each, 20 bias, 10 darks, 4 lights."""
    camera = cmos_camera()
    ha = FilterRecipe(
        name="Ha",
        transmission=0.070,
        exposure_s=2.0,
        motes=(DustMote(row=0.18, column=0.71, radius=0.060, depth=0.04),),
    )
    oiii = FilterRecipe(
        name="OIII",
        transmission=0.040,
        exposure_s=3.5,
        motes=(DustMote(row=0.63, column=0.35, radius=0.055, depth=0.05),),
    )
    return NightRecipe(
        camera=camera,
        optics=Optics(motes=SENSOR_DUST),
        lamp=lamp_for_level(camera, level_adu=_flat_level(camera), exposure_s=2.0, transmission=ha.transmission),
        filters=(ha, oiii),
    )


def ccd_with_overscan() -> NightRecipe:
    """A small CCD whose bias level wanders, with 32 overscan columns; bias and darks, no dark flats."""
    camera = Camera(
        name="Simulated CCD",
        shape=(320, 400),
        egain_e_per_adu=1.4,
        read_noise_e=9.0,
        bias_adu=1000.0,
        bias_pattern_adu=3.0,
        bias_drift_adu=4.0,
        dark_e_per_s=0.02,
        dark_at_c=-20.0,
        dark_doubling_c=6.3,
        full_well_e=100000.0,
        prnu=0.01,
        overscan_columns=32,
        is_ccd=True,
        cosmic_rays_per_s=0.02,
        pixel_um=9.0,
        seed=2,
    )
    return NightRecipe(
        camera=camera,
        optics=Optics(corner_loss=0.2, motes=SENSOR_DUST[:2], telescope="Simulated reflector", focal_length_mm=1600.0),
        lamp=lamp_for_level(camera, level_adu=_flat_level(camera), exposure_s=5.0, transmission=0.8),
        filters=(FilterRecipe(name="R", transmission=0.8, exposure_s=5.0, n_flats=10),),
        n_dark_flats=0,
        n_bias=15,
        n_darks=8,
        dark_exposure_s=60.0,
        set_c=-20.0,
        image_types="frame",
    )


def osc_night() -> NightRecipe:
    """A small color camera (RGGB, 14 bits x4, gain setting 100) without a filter wheel."""
    camera = Camera(
        name="Simulated OSC",
        shape=(320, 480),
        egain_e_per_adu=0.25,
        read_noise_e=1.8,
        bias_adu=480.0,
        bits=14,
        sample_step=4,
        cfa="RGGB",
        full_well_e=40000.0,
        glow_e_per_s=0.05,
        cosmic_rays_per_s=0.02,
        seed=3,
    )
    return NightRecipe(
        camera=camera,
        optics=Optics(corner_loss=0.35, motes=SENSOR_DUST),
        lamp=lamp_for_level(camera, level_adu=_flat_level(camera), exposure_s=0.8),
        filters=(FilterRecipe(name=None, transmission=1.0, exposure_s=0.8, n_flats=12),),
        sky=Sky(e_per_s=4.0, star_e_per_s=40.0),
        n_dark_flats=12,
        n_bias=12,
        n_darks=6,
        dark_exposure_s=120.0,
    )


def _flat_level(camera: Camera) -> float:
    """The level above bias at which a flat stands at `FLAT_SHARE` of full scale."""
    return FLAT_SHARE * camera.top_adu - camera.bias_adu
