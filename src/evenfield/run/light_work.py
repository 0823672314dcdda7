"""The work on one light: its raw samples, what is measured of them, and the passes that calibrate it."""

from __future__ import annotations

import dataclasses
import math
import threading
from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from evenfield.calibrate.lights import LightPass
from evenfield.calibrate.optimize import DarkFit, fit_dark
from evenfield.calibrate.overscan import OverscanView
from evenfield.combine.steps import STEP_PIXELS, step_of
from evenfield.examine.limits import WEAK
from evenfield.model.calibration import CalibrationTerms
from evenfield.model.frame import FrameInfo
from evenfield.model.pixels import Float32Array, PixelFlag, PixelSource, Tile
from evenfield.model.plan import LightRecipe, LightStep, StepInput
from evenfield.model.targets import TARGETS
from evenfield.read import CroppedSource, true_values
from evenfield.run.light_masters import DarkFacts, LightMasters, noise_is_known
from evenfield.run.loop import LEVEL_PIXELS
from evenfield.tiles import bands

MASK_NAME: Final = "MASK"
"""The name of the extension with `PixelFlag` bits."""

NOISE_NAME: Final = "NOISE"
"""The name of the extension with the standard deviation of each pixel."""


class LightBuffers(threading.local):
    """A thread's memory for raw samples and for what is written, kept from light to light: new memory costs time."""

    def __init__(self) -> None:
        self._raw = self._out = np.empty(0, np.uint8)

    def raw(self, shape: tuple[int, int], dtype: np.dtype[Any]) -> NDArray[Any]:
        """Room for the samples of a light."""
        n_bytes = shape[0] * shape[1] * dtype.itemsize
        if self._raw.size < n_bytes:
            self._raw = np.empty(n_bytes, np.uint8)
        return self._raw[:n_bytes].view(dtype).reshape(shape)

    def out(self, shape: tuple[int, int], dtype: np.dtype[Any]) -> NDArray[Any]:
        """Room for its values."""
        n_pixels = shape[0] * shape[1]
        if self._out.size < 4 * n_pixels:
            self._out = np.empty(4 * n_pixels, np.uint8)
        return self._out[: n_pixels * dtype.itemsize].view(dtype).reshape(shape)


class LightWork:
    """One light on its way: its raw samples, what is known of it, and in ``out`` what is written in the end."""

    def __init__(
        self,
        step: LightStep,
        masters: LightMasters,
        item: StepInput,
        frame: FrameInfo,
        *,
        source: PixelSource,
        buffers: LightBuffers,
        shift: float,
    ) -> None:
        self._step, self._masters, self._frame, self._buffers = step, masters, frame, buffers
        self._calibration = step.calibrations[item.calibration]
        self._at = masters.which[item.calibration]
        self._source = source if step.trim is None else CroppedSource(source, step.trim)
        self._over = OverscanView(source, step.overscan_parts) if step.overscan_parts else None
        self._raw = buffers.raw(masters.shape, self._source.encoding.numpy_dtype)
        self._encoding = self._source.encoding
        self._tiles = bands(masters.shape[0], height=max(1, LEVEL_PIXELS // 8 // masters.shape[1]))
        self._low: int | None = None
        self.shift = shift
        self.pedestal = step.recipe.pedestal if step.recipe.add_pedestal == "adu" else 0.0
        self.fit: DarkFit | None = None
        self.step_adu: float | None = None
        told = masters.told[item.calibration]
        shape = masters.shape
        self.maps = LightMaps(
            mask=np.zeros(shape, np.uint8) if step.recipe.maps else None,
            noise=np.empty(shape, np.float32) if step.recipe.maps and noise_is_known(told, frame) else None,
            dark=told,
            mean_adu=told.mean_adu if self._calibration.how in ("dark", "bias") else None,
            egain_e_per_adu=frame.egain_e_per_adu,
            flat_shot_adu=None if masters.flat is None else masters.flat.shot_adu,
        )
        self.out: NDArray[Any] = buffers.out(shape, np.dtype(np.float32))

    def calibrate(self) -> LightPass:
        """Read, calibrate and count; a pass of its own goes ahead where the light itself decides how it is done."""
        auto = self._step.recipe.add_pedestal == "auto"
        optimized = self._at in self._masters.hot
        tiles = self._read()
        if auto or optimized or self._over is not None or self.maps.mask is not None:
            tiles = iter(list(tiles))
            self._note_raw()
        if self._over is not None:
            self._subtract_overscan()
        if optimized:
            self.fit = self._fitted()
        form = _form_of(self._step.recipe)
        if auto or self.maps.mask is not None:
            plain = self._pass(tiles, np.dtype(np.float32), pedestal=0.0, maps=self.maps)
            if self.maps.mask is not None:
                self.maps.mask[~np.isfinite(self.out)] |= np.uint8(PixelFlag.NO_DATA)
            if auto:
                self.pedestal = _pedestal(self.out, self._step.recipe.pedestal)
            if form == np.float32 and form.isnative and not self.pedestal:
                return plain
            tiles = iter(self._tiles)
        made = self._pass(tiles, form, pedestal=self.pedestal)
        if self._low is None:
            self._note_step()
        return made

    def low_clipped(self, made: LightPass) -> int:
        """Pixels at the least value that an unsigned integer can hold."""
        if not self._frame.sample.startswith("uint"):
            return 0
        return made.counts.low if self._low is None else self._low

    def _read(self) -> Iterator[Tile]:
        """The bands, each as soon as it was read: its samples are then still in the processor's cache."""
        for tile in self._tiles:
            self._source.read_raw(tile, self._raw[tile.start : tile.stop])
            yield tile

    def _band(self, tile: Tile) -> Float32Array:
        """The true values of a band."""
        return true_values(self._raw[tile.start : tile.stop], self._encoding)

    def _note_raw(self) -> None:
        """What the raw samples tell, before the overscan is subtracted from them."""
        full = self._frame.saturation_adu
        if full is None and self._frame.sample == "uint16":
            full = 65535.0
        self._low = 0
        for tile in self._tiles:
            values = self._band(tile)
            self._low += int(np.count_nonzero(values <= 0.0))
            if self.maps.mask is not None and full is not None:
                self.maps.mask[tile.start : tile.stop][values >= full] |= np.uint8(PixelFlag.SATURATED)
        self._note_step()

    def _note_step(self) -> None:
        """The step of a raw light's numbers, found in its first rows: 1, or 4, 16 where a driver multiplied them."""
        if not self._frame.sample.startswith(("int", "uint")):
            return
        some = self._band(Tile(start=0, stop=min(self._raw.shape[0], max(1, STEP_PIXELS // self._raw.shape[1]))))
        some = some[np.isfinite(some)]
        if some.size == 0 or some.min() == some.max() or not np.array_equal(some, np.rint(some)):
            return
        self.step_adu = float(step_of(some.astype(np.int64)))

    def _subtract_overscan(self) -> None:
        assert self._over is not None
        trim = self._step.trim
        less = self._over if trim is None else CroppedSource(self._over, trim)
        self._raw, self._encoding = self._buffers.raw(self._raw.shape, np.dtype(np.float32)), less.encoding
        for tile in self._tiles:
            less.read_raw(tile, self._raw[tile.start : tile.stop])

    def _fitted(self) -> DarkFit:
        """The factor of the dark for this light; where its signal is too weak, that of the exposures."""
        hot, by_exposure = self._masters.hot[self._at], self._calibration.factor
        by_exposure = 1.0 if by_exposure is None else by_exposure
        if not hot.usable:
            return DarkFit(factor=by_exposure, error=math.inf, n=0)
        full = self._frame.saturation_adu or (65535.0 if self._frame.sample == "uint16" else None)
        pixels = self._band(Tile(start=0, stop=self._raw.shape[0]))
        if self.shift:
            pixels -= np.float32(self.shift)
        found = fit_dark(pixels, pixels=hot, full_scale_adu=full)
        if math.isfinite(found.error):
            return found
        # Too few of them can be seen in this light.
        return DarkFit(factor=by_exposure, error=math.inf, n=found.n)

    def _pass(
        self, tiles: Iterator[Tile], form: np.dtype[Any], *, pedestal: float, maps: LightMaps | None = None
    ) -> LightPass:
        self.out = self._buffers.out(self._raw.shape, form)
        masters, factor = self._masters, None if self.fit is None else self.fit.factor
        made = LightPass(self._encoding, self.out, shift=self.shift, pedestal=pedestal)
        for tile in tiles:
            subtract = masters.subtract(self._at, tile, factor)
            divide = None if masters.flat is None else masters.flat.divide(tile)
            made.band(tile, self._raw[tile.start : tile.stop], subtract=subtract, divide=divide)
            if maps is not None:
                terms = CalibrationTerms(subtract=subtract, shift=self.shift, divide=divide)
                flat = None if masters.flat is None else masters.flat.source.read(tile)
                maps.note(slice(tile.start, tile.stop), self._band(tile), terms, flat)
        return made


def _form_of(recipe: LightRecipe) -> np.dtype[Any]:
    """The form in which values are computed: the stored one, where they go into the file as they are."""
    target = TARGETS[recipe.target]
    if recipe.sample == "uint16":
        return np.dtype(">u2")
    stored = target.suffix == ".fits" and target.scale == 1.0 and not recipe.compress
    return np.dtype(">f4" if stored else np.float32)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class LightMaps:
    """What is written beside a light on request, and what its noise is computed from."""

    mask: NDArray[np.uint8] | None
    noise: Float32Array | None
    dark: DarkFacts
    mean_adu: float | None
    egain_e_per_adu: float | None
    flat_shot_adu: float | None = None

    def by_name(self) -> dict[str, NDArray[Any]]:
        """The extensions to write."""
        found: dict[str, NDArray[Any]] = {} if self.mask is None else {MASK_NAME: self.mask}
        return found if self.noise is None else {**found, NOISE_NAME: self.noise}

    def note(self, rows: slice, raw: Float32Array, terms: CalibrationTerms, flat: Float32Array | None) -> None:
        """Fill the rows of a band: ``raw`` is as it was read, ``flat`` the master flat before it is divided.

        The variance of a light is that of a dark of its exposure and of the master dark, with the shot noise of its
        light beyond the dark, and what the noise of the master flat makes of that light.
        """
        if self.mask is not None and flat is not None and terms.divide is not None:
            band = self.mask[rows]
            band[~(flat > 0)] |= np.uint8(PixelFlag.NOT_POSITIVE)
            band[terms.divide < WEAK] |= np.uint8(PixelFlag.WEAK)
        if self.noise is None or self.dark.noise_adu is None or self.egain_e_per_adu is None:
            return
        light = raw.astype(np.float64) - terms.shift
        if terms.subtract is not None:
            light -= terms.subtract
        # Where the dark is brighter than its mean, by hot pixels or glow, it is noisier by the shot noise of that.
        one = np.full(light.shape, self.dark.noise_adu**2)
        if terms.subtract is not None and self.mean_adu is not None:
            one = np.maximum(one + (terms.subtract - self.mean_adu) / self.egain_e_per_adu, 0.25 * one)
        share = ((self.dark.master_noise_adu or 0.0) / self.dark.noise_adu) ** 2 if self.dark.noise_adu else 0.0
        variance = one * (1.0 + share) + np.maximum(light, 0.0) / self.egain_e_per_adu
        if flat is not None and self.flat_shot_adu is not None:
            with np.errstate(divide="ignore", invalid="ignore"):
                variance += light**2 * (self.flat_shot_adu / flat)
        with np.errstate(invalid="ignore"):
            deviation = np.sqrt(variance)
        if terms.divide is not None:
            deviation /= terms.divide
        self.noise[rows] = deviation


def _pedestal(pixels: Float32Array, share: float) -> float:
    """What must be added so that no more than a share of the pixels is negative: whole ADU, to be taken away again."""
    finite = pixels[np.isfinite(pixels)]
    below = int(share * finite.size)
    if not finite.size or int(np.count_nonzero(finite < 0)) <= below:
        return 0.0
    return float(np.ceil(-float(np.partition(finite, below)[below])))
