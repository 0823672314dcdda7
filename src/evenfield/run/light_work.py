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
from evenfield.model.pixels import Float32Array, Image, PixelFlag, PixelSource, Tile
from evenfield.model.plan import LightStep, StepInput
from evenfield.model.targets import TARGETS
from evenfield.read import CroppedSource, true_values
from evenfield.run.light_masters import LIGHT_PIXELS, DarkFacts, LightMasters, noise_is_known
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
    """One light on its way: its raw samples, what is known of it, and what becomes of it, by rows or whole."""

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
        self._encoding = self._source.encoding
        self._tiles = bands(masters.shape[0], height=max(1, LIGHT_PIXELS // masters.shape[1]))
        recipe = step.recipe
        self._keeps_all = (
            recipe.maps or recipe.add_pedestal == "auto" or self._over is not None or self._at in masters.hot
        )
        height = masters.shape[0] if self._keeps_all else self._tiles[0].rows
        self._raw = buffers.raw((height, masters.shape[1]), self._encoding.numpy_dtype)
        self._low: int | None = None
        self._done: LightPass | None = None
        self.shift = shift
        self.pedestal = recipe.pedestal if recipe.add_pedestal == "adu" else 0.0
        self.fit: DarkFit | None = None
        self.step_adu: float | None = None
        told = masters.told[item.calibration]
        self.maps = LightMaps(
            mask=np.zeros(masters.shape, np.uint8) if recipe.maps else None,
            noise=np.empty(masters.shape, np.float32) if recipe.maps and noise_is_known(told, frame) else None,
            dark=told,
            mean_adu=told.mean_adu if self._calibration.how in ("dark", "bias") else None,
            egain_e_per_adu=frame.egain_e_per_adu,
            flat_shot_adu=None if masters.flat is None else masters.flat.shot_adu,
        )

    @property
    def streams(self) -> bool:
        """Whether values go into the file as soon as they are computed: nothing has to be known of all of them."""
        recipe = self._step.recipe
        target = TARGETS[recipe.target]
        plain = target.suffix == ".fits" and target.scale == 1.0 and not recipe.compress
        return plain and recipe.add_pedestal != "auto" and not recipe.maps

    def rows(self) -> Iterator[NDArray[Any]]:
        """The calibrated rows, one band after another, in the form in which a FITS file stores them."""
        form = np.dtype(">u2" if self._step.recipe.sample == "uint16" else ">f4")
        self._prepare()
        out = self._buffers.out((self._tiles[0].rows, self._masters.shape[1]), form)
        made = self._new_pass()
        for tile in self._ready():
            self._calibrate_band(tile, out[: tile.rows], made)
            yield out[: tile.rows]
        self._done = made

    def image(self) -> Image:
        """The whole calibrated light, with its maps: uint16 where that is asked for, else float32."""
        recipe, maps = self._step.recipe, self.maps
        form = np.dtype(np.uint16 if recipe.sample == "uint16" else np.float32)
        self._prepare()
        if recipe.add_pedestal == "auto" or (recipe.maps and form == np.uint16):
            # A pass of its own goes ahead: the pedestal follows from its values, and maps need them whole.
            values = self._whole(np.dtype(np.float32), maps=maps)
            if recipe.add_pedestal == "auto":
                self.pedestal = _pedestal(values, recipe.pedestal)
            if form == np.float32 and not self.pedestal:
                return Image(pixels=values, maps=maps.by_name())
            return Image(pixels=self._whole(form), maps=maps.by_name())
        return Image(pixels=self._whole(form, maps=maps), maps=maps.by_name())

    def measured(self) -> LightPass:
        """The pass that is written, when it is over."""
        assert self._done is not None
        return self._done

    @property
    def low_clipped(self) -> int:
        """Pixels at the least value that an unsigned integer can hold."""
        if not self._frame.sample.startswith("uint"):
            return 0
        return self._low if self._low is not None else self.measured().counts.low

    def _new_pass(self) -> LightPass:
        return LightPass(self._encoding, self._masters.shape, shift=self.shift, pedestal=self.pedestal)

    def _prepare(self) -> None:
        """Where the light itself decides how it is calibrated, all of it is read first."""
        if not self._keeps_all:
            return
        for tile in self._tiles:
            self._source.read_raw(tile, self._samples(tile))
        self._note_raw()
        if self._over is not None:
            self._subtract_overscan(self._over)
        if self._at in self._masters.hot:
            self.fit = self._fitted()

    def _ready(self) -> Iterator[Tile]:
        """The bands whose samples are there; what is read now is handed on while the processor's cache holds it."""
        for tile in self._tiles:
            if not self._keeps_all:
                self._source.read_raw(tile, self._samples(tile))
                if tile.start == 0:
                    self._note_step()
            yield tile

    def _samples(self, tile: Tile) -> NDArray[Any]:
        """Where the raw samples of a band are."""
        return self._raw[tile.start : tile.stop] if self._keeps_all else self._raw[: tile.rows]

    def _values(self, tile: Tile) -> Float32Array:
        """The true values of a band."""
        return true_values(self._samples(tile), self._encoding)

    def _note_raw(self) -> None:
        """What the raw samples tell, before the overscan is subtracted from them."""
        full, self._low = self._frame.full_scale_adu, 0
        for tile in self._tiles:
            values = self._values(tile)
            self._low += int(np.count_nonzero(values <= 0.0))
            if self.maps.mask is not None and full is not None:
                self.maps.mask[tile.start : tile.stop][values >= full] |= np.uint8(PixelFlag.SATURATED)
        self._note_step()

    def _note_step(self) -> None:
        """The step of a raw light's numbers, found in its first rows: 1, or 4, 16 where a driver multiplied them."""
        if not self._frame.sample.startswith(("int", "uint")):
            return
        some = self._values(self._tiles[0])[: max(1, STEP_PIXELS // self._masters.shape[1])]
        some = some[np.isfinite(some)]
        if some.size == 0 or some.min() == some.max() or not np.array_equal(some, np.rint(some)):
            return
        self.step_adu = float(step_of(some.astype(np.int64)))

    def _subtract_overscan(self, over: OverscanView) -> None:
        trim = self._step.trim
        less = over if trim is None else CroppedSource(over, trim)
        self._raw, self._encoding = self._buffers.raw(self._masters.shape, np.dtype(np.float32)), less.encoding
        for tile in self._tiles:
            less.read_raw(tile, self._samples(tile))

    def _fitted(self) -> DarkFit:
        """The factor of the dark for this light; where its signal is too weak, that of the exposures."""
        hot, by_exposure = self._masters.hot[self._at], self._calibration.factor
        by_exposure = 1.0 if by_exposure is None else by_exposure
        if not hot.usable:
            return DarkFit(factor=by_exposure, error=math.inf, n=0)
        pixels = self._values(Tile(start=0, stop=self._masters.shape[0]))
        if self.shift:
            pixels -= np.float32(self.shift)
        found = fit_dark(pixels, pixels=hot, full_scale_adu=self._frame.full_scale_adu)
        if math.isfinite(found.error):
            return found
        # Too few of them can be seen in this light.
        return DarkFit(factor=by_exposure, error=math.inf, n=found.n)

    def _whole(self, form: np.dtype[Any], *, maps: LightMaps | None = None) -> NDArray[Any]:
        out = self._buffers.out(self._masters.shape, form)
        made = self._new_pass()
        for tile in self._ready():
            rows = slice(tile.start, tile.stop)
            self._calibrate_band(tile, out[rows], made, maps=maps)
            if maps is not None and maps.mask is not None:
                maps.mask[rows][~np.isfinite(out[rows])] |= np.uint8(PixelFlag.NO_DATA)
        self._done = made
        return out.view()

    def _calibrate_band(self, tile: Tile, out: NDArray[Any], made: LightPass, *, maps: LightMaps | None = None) -> None:
        masters, factor = self._masters, None if self.fit is None else self.fit.factor
        subtract = masters.subtract(self._at, tile, factor)
        divide = None if masters.flat is None else masters.flat.divide(tile)
        made.band(tile, self._samples(tile), out, subtract=subtract, divide=divide)
        if maps is not None and maps.mask is not None:
            terms = CalibrationTerms(subtract=subtract, shift=self.shift, divide=divide)
            flat = None if masters.flat is None else masters.flat.source.read(tile)
            maps.note(slice(tile.start, tile.stop), self._values(tile), terms, flat)


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
