"""A simulated night: a folder of frames as a capture program writes them, and the truth behind them."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from evenfield.model.frame import FrameKind, exposure_text
from evenfield.simulate.recipes import NightRecipe, example_night
from evenfield.simulate.session import LAMP_STREAM, Session, random_stream, write_shots
from evenfield.simulate.shot import IMAGE_TYPES, Light, Shot
from evenfield.simulate.truth import Truth, camera_truth


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Night:
    """A night that was written.

    Parameters
    ----------
    folder : Path
    recipe : NightRecipe
    seed : int
    files : tuple of Path
        All frames, in the order in which they were taken.
    truth : dict of (str or None) to Truth
        By filter name; ``None`` without a filter wheel.
    """

    folder: Path
    recipe: NightRecipe
    seed: int
    files: tuple[Path, ...]
    truth: dict[str | None, Truth]


def simulate_night(
    folder: str | Path, *, recipe: NightRecipe | None = None, seed: int = 1, overwrite: bool = False
) -> Night:
    """Write a night of FITS files; the same recipe and seed give the same bytes.

    Parameters
    ----------
    folder : str or Path
        Made if absent; gets the folders ``lights``, ``flats``, ``darkflats``, ``bias`` and ``darks``.
    recipe : NightRecipe, optional
        `example_night` if not given: 114 files, 120 MB.
    seed : int
        Not negative: decides noise, temperatures and lamp. The camera's own seed decides its fixed patterns.
    overwrite : bool
        Replace files that exist.

    Returns
    -------
    Night

    Raises
    ------
    WriteError
        If a file exists (and ``overwrite`` is false) or cannot be written.
    """
    recipe = recipe or example_night()
    truth = night_truth(recipe, seed=seed)
    files = write_shots(_night_shots(recipe, truth, seed), folder=Path(folder), seed=seed, overwrite=overwrite)
    return Night(folder=Path(folder), recipe=recipe, seed=seed, files=files, truth=truth)


def night_truth(recipe: NightRecipe, *, seed: int = 1) -> dict[str | None, Truth]:
    """The truth of a night by filter name, without writing a file.

    Parameters
    ----------
    recipe : NightRecipe
    seed : int
        That of `simulate_night`.

    Returns
    -------
    dict of (str or None) to Truth
    """
    found: dict[str | None, Truth] = {}
    for index, each in enumerate(recipe.filters):
        relative = recipe.lamp.levels(each.n_flats, rng=random_stream(seed, LAMP_STREAM, index))
        full_adu = recipe.lamp.e_per_s * each.transmission * each.exposure_s / recipe.camera.egain_e_per_adu
        found[each.name] = camera_truth(
            recipe.camera,
            optics=recipe.optics,
            lamp=recipe.lamp,
            sensor_c=recipe.set_c,
            motes=each.motes,
            lamp_adu=tuple(float(full_adu * level) for level in relative),
        )
    return found


def file_exposure(exposure_s: float) -> str:
    """An exposure as it stands in a file name: "2.00s", "300s"."""
    return exposure_text(exposure_s).replace(" ", "")


def _night_shots(recipe: NightRecipe, truth: dict[str | None, Truth], seed: int) -> list[Shot]:
    """All shots: lights in the evening; flats, dark flats, bias and darks from dawn on."""
    session = Session(
        recipe.camera,
        optics=recipe.optics,
        set_c=recipe.set_c,
        temperature_rms_c=recipe.temperature_rms_c,
        longitude_deg=recipe.longitude_deg,
        seed=seed,
    )
    session.wait_until(recipe.evening, hour_utc=20.5)
    _take_lights(session, recipe, truth)
    session.wait_until(recipe.evening, hour_utc=28.75)
    _take_flats(session, recipe, truth)
    for exposure_s in sorted({each.exposure_s for each in recipe.filters}):
        stem = f"darkflats/DARKFLAT_{file_exposure(exposure_s)}"
        _take_dark(session, recipe, FrameKind.DARK_FLAT, exposure_s, _numbered(stem, recipe.n_dark_flats))
    _take_dark(session, recipe, FrameKind.BIAS, 0.0, _numbered("bias/BIAS", recipe.n_bias))
    stem = f"darks/DARK_{file_exposure(recipe.dark_exposure_s)}"
    _take_dark(session, recipe, FrameKind.DARK, recipe.dark_exposure_s, _numbered(stem, recipe.n_darks))
    return session.shots


def _take_lights(session: Session, recipe: NightRecipe, truth: dict[str | None, Truth]) -> None:
    """The lights, filter by filter."""
    for each in recipe.filters:
        label = "_".join(filter(None, ("LIGHT", each.name, file_exposure(recipe.dark_exposure_s))))
        for path in _numbered(f"lights/{label}", each.n_lights):
            session.take(
                path,
                kind=FrameKind.LIGHT,
                image_type=IMAGE_TYPES[recipe.image_types][FrameKind.LIGHT],
                exposure_s=recipe.dark_exposure_s,
                light=Light(truth=truth[each.name], filter=each.name, sky=recipe.sky, transmission=each.transmission),
            )


def _take_flats(session: Session, recipe: NightRecipe, truth: dict[str | None, Truth]) -> None:
    """The flats, filter by filter, one for each lamp level."""
    for each in recipe.filters:
        levels = truth[each.name].lamp_adu
        label = "_".join(filter(None, ("FLAT", each.name)))
        for path, level in zip(_numbered(f"flats/{label}", len(levels)), levels, strict=True):
            session.take(
                path,
                kind=FrameKind.FLAT,
                image_type=IMAGE_TYPES[recipe.image_types][FrameKind.FLAT],
                exposure_s=each.exposure_s,
                light=Light(truth=truth[each.name], filter=each.name, lamp_adu=level),
            )


def _take_dark(session: Session, recipe: NightRecipe, kind: FrameKind, exposure_s: float, paths: list[str]) -> None:
    """A set with the shutter closed."""
    for path in paths:
        session.take(path, kind=kind, image_type=IMAGE_TYPES[recipe.image_types][kind], exposure_s=exposure_s)


def _numbered(stem: str, n_frames: int) -> list[str]:
    """File names with four digits, from 1 on."""
    return [f"{stem}_{number:04d}.fits" for number in range(1, n_frames + 1)]
