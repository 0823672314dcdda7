"""Whether a flat lies on the lights as it should: turned, shifted, mirrored, or with dust that has moved.

Two witnesses. The pixel pattern (`fingerprint`) says how the file lies on the sensor: mirrored or cut files. The
shadows of dust and edges (`dust`, `overlay`) say how the optics lay: camera turned, focuser shifted, dust moved.
"""

from __future__ import annotations

import dataclasses
import enum
import math
from typing import Final

import numpy as np

from evenfield.errors import UsageError
from evenfield.examine.dust import Dust, find_dust
from evenfield.examine.fingerprint import Fingerprint, Order, compare_fingerprints, put_in_order
from evenfield.examine.motes import Mote, excess_noise, follow_motes
from evenfield.examine.overlay import LightCells, Overlay, Placing, fitted, judged, presence
from evenfield.examine.relief import Relief
from evenfield.examine.sweep import swept
from evenfield.examine.wavelets import robust_scatter

LEAST_CONTRAST: Final = 12.0
"""Scatters by which the flat's shadows must be expected to stand out of the light's noise, all together. The search
over all angles and shifts meets noise of 6 scatters; what it finds must be twice that."""

FALSE_ALARM: Final = 1e-4
"""Chance of each of the tests (turned or shifted; dust) to cry wolf with good frames; all together stay below 0.1 %."""

NEAR: Final = 17.0
"""Twice the log likelihood by which a wholly different placing must beat 'as it is': a chance of 2e-4 for 3 numbers,
on top of the search's own price."""

SEARCH_PRICE: Final = 16.0
"""Log of the number of independent placings that the search looks at (500 angles times 30 thousand shifts)."""

NUMBER_PRICE: Final = 10.8
"""Twice the log likelihood that a free number must bring: a chance of 1e-3."""

SNAP_DEG: Final = 1.0
"""Angles closer than this to 0 or 180 degrees are also tried as exactly that."""

RESPONSE_CELLS: Final = 1.75
"""Cells of displacement in which the share of the flat's pixel response that is taken from the light falls to 1/e. Left
in, what of it passed for rims of shadows pulls the fit towards no shift; taken out, the parts of rims that passed for
response push it away. At this share the two cancel to 0.05 pixels for shadows of 20 to 60 pixels."""

SMALLEST_PX: Final = 0.25
"""Displacements below this are not told, however sure: half of what is promised, and nobody will see the rim."""

EDGE: Final = 4
"""Cells at the frame's edge that take no part."""

LEAST_SHADOWS: Final = 2
"""Shadows that must agree on a far placing: a single round one lies anywhere by a shift, at any angle."""

LEAST_SQUARE: Final = 25.0
"""Scatters squared from which on a shadow counts as one that can agree."""

BLUR: Final = 2
"""Levels of smoothing for the first fit of what the search found."""


class Lies(enum.StrEnum):
    """How the flat lies."""

    WELL = "as it is"
    TURNED = "rotated"
    SHIFTED = "shifted"
    TURNED_AND_SHIFTED = "rotated and shifted"
    FLIPPED = "row-flipped"
    UNKNOWN = "cannot tell"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Geometry:
    """How a flat lies on lights.

    Parameters
    ----------
    lies : Lies
        ``UNKNOWN``: the shadows are too faint, and ``reason`` says which number decided.
    angle_deg, shift_px : float, (float, float)
        The flat's dust is the light's, turned by ``angle_deg`` counterclockwise (row 0 on top) about the frame's
        middle, then moved by (rows down, columns to the right). 0 where the test found nothing.
    angle_error_deg, shift_error_px
        Standard errors of the fit with angle and shift free; ``None`` where nothing tells.
    order : Order, optional
        The order of the file's rows and columns; ``None``: not known.
    by_pixels : bool
        The order or shift is that of the pixel pattern, so that the file was mirrored or cut, and not the optics moved.
    scatters : float
        Significance of what was found against 'as it is', in scatters (square root of twice the log likelihood ratio).
    structure : float
        Scatters by which the flat's shadows are expected to stand out of the light's noise.
    contrast, contrast_error : float, optional
        Strength of the shadows in the light over that in the flat: 1 where nothing additive is left in either.
    motes : tuple of Mote
        Shadows that are there in one of the two only, or displaced beside the others.
    n_shadows : int
        Shadows of the flat that could be told one by one.
    reason : str
    """

    lies: Lies
    angle_deg: float = 0.0
    shift_px: tuple[float, float] = (0.0, 0.0)
    angle_error_deg: float | None = None
    shift_error_px: tuple[float, float] | None = None
    order: Order | None = None
    by_pixels: bool = False
    scatters: float = 0.0
    structure: float = 0.0
    contrast: float | None = None
    contrast_error: float | None = None
    motes: tuple[Mote, ...] = ()
    n_shadows: int = 0
    reason: str = ""

    @property
    def dust_moved(self) -> bool:
        """Whether shadows are there in one of the two only, or displaced beside the others."""
        return bool(self.motes)


def examine_geometry(flat: Relief, *, light: Relief) -> Geometry:
    """Compare how a flat and the lights lie.

    Parameters
    ----------
    flat : Relief
        Of the master flat (`relief.flat_relief`).
    light : Relief
        Of lights that were not flat-fielded (`relief.light_relief`), with the same cells.

    Returns
    -------
    Geometry

    Raises
    ------
    UsageError
        If shapes or cells differ.
    """
    if flat.shape != light.shape or flat.cell_px != light.cell_px or flat.values.shape != light.values.shape:
        raise UsageError(
            f"Flat ({flat.shape}, cells of {flat.cell_px}) and light ({light.shape}, {light.cell_px}) do not match."
        )
    fingerprint = compare_fingerprints(flat, light=light)
    if fingerprint.order not in (None, Order.AS_IT_IS):
        flat = _put_in_order(flat, fingerprint.order)
    dust = find_dust(flat)
    cells = _cells(light, dust, response=0.0)
    pure = cells
    if fingerprint.order is not None and fingerprint.shift_px == (0, 0):
        pure = _cells(light, dust, response=1.0)
    structure = math.sqrt(float(judged(cells, Placing()).squares.sum())) if dust.shadows else 0.0
    if structure < LEAST_CONTRAST:
        return _by_fingerprint_alone(fingerprint, structure, len(dust.shadows))
    return _by_dust(_Case(flat=dust, light=light, cells=cells, pure=pure, fingerprint=fingerprint), structure)


def _put_in_order(flat: Relief, order: Order) -> Relief:
    return dataclasses.replace(
        flat,
        values=np.ascontiguousarray(put_in_order(flat.values, order)),
        weights=np.ascontiguousarray(put_in_order(flat.weights, order)),
        pattern=put_in_order(flat.pattern, order),
    )


def _cells(light: Relief, dust: Dust, *, response: float) -> LightCells:
    """The light with honest weights, without a share of the pixel response that it has in common with the flat.

    What is taken away is all of the flat but its shadows: at the flat's own place this is the calibrated light with its
    shadows put back.
    """
    values = light.values
    if response > 0:
        values = np.where(light.weights > 0, values - np.float32(response) * dust.rest, np.float32(0.0))
    weights = light.weights.copy()
    weights[:EDGE] = weights[-EDGE:] = 0.0
    weights[:, :EDGE] = weights[:, -EDGE:] = 0.0
    known = weights > 0
    if known.any():
        # Weights are those of cell-to-cell noise before this; what the subtraction took or brought counts.
        pulls = np.diff(values * np.sqrt(weights), axis=1)[known[:, 1:] & known[:, :-1]]
        weights /= np.float32(max(robust_scatter(pulls) ** 2 / 2.0, 1e-12))
    return LightCells(values, weights=weights, shadows=dust.shadows)


def _by_fingerprint_alone(fingerprint: Fingerprint, structure: float, n_shadows: int) -> Geometry:
    """What the pixel pattern says where there is too little dust."""
    reason = (
        f"the flat's shadows stand {structure:.1f} scatters out of the light's noise; {LEAST_CONTRAST:.0f} are needed"
    )
    lies, angle, shift = _of_file(fingerprint)
    return Geometry(
        lies=Lies.UNKNOWN if lies is Lies.WELL else lies, angle_deg=angle, shift_px=shift,
        angle_error_deg=None if lies is Lies.WELL else 0.0, shift_error_px=None if lies is Lies.WELL else (0.5, 0.5),
        order=fingerprint.order, by_pixels=lies is not Lies.WELL, scatters=fingerprint.scatters, structure=structure,
        n_shadows=n_shadows, reason=reason,
    )  # fmt: skip


def _of_file(fingerprint: Fingerprint) -> tuple[Lies, float, tuple[float, float]]:
    """What was done to the file: how the flat lies, angle and shift."""
    if fingerprint.order is None:
        return Lies.WELL, 0.0, (0.0, 0.0)
    shift = (float(fingerprint.shift_px[0]), float(fingerprint.shift_px[1]))
    if fingerprint.order is Order.BOTH:
        return Lies.TURNED, 180.0, shift
    if fingerprint.order in (Order.ROWS, Order.COLUMNS):
        return Lies.FLIPPED, 0.0, shift
    return (Lies.SHIFTED if shift != (0.0, 0.0) else Lies.WELL), 0.0, shift


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Case:
    """What is compared: ``cells`` is the light as it is, ``pure`` without the pixel response that the flat shows."""

    flat: Dust
    light: Relief
    cells: LightCells
    pure: LightCells
    fingerprint: Fingerprint

    @property
    def start(self) -> Placing:
        """The placing that the pixel pattern says: no shift, but for files that were cut."""
        rows, columns = self.fingerprint.shift_px
        return Placing(dy=rows / self.light.cell_px, dx=columns / self.light.cell_px)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Found:
    """A placing with the numbers that were fitted, the light that it was fitted to, and that light's roughness."""

    overlay: Overlay
    free: tuple[bool, bool, bool]
    cells: LightCells
    excess: tuple[float, float]
    motes: tuple[Mote, ...] = ()
    scatters: float = 0.0


NOTHING_FREE: Final = (False, False, False)


def _by_dust(case: _Case, structure: float) -> Geometry:
    """What the shadows say, on top of the pixel pattern."""
    near = fitted(case.pure, case.start)
    excess = _excess(case.pure, near)
    still = _Found(overlay=judged(case.pure, case.start), free=NOTHING_FREE, cells=case.pure, excess=excess)
    moved = (None if _explains(near) else _far(case, near)) or _near(case, near, still)
    still = _with_motes(still, case)
    if moved is None:
        return _answer(still, case, structure)
    moved = _with_motes(moved, case)
    # A few shadows that moved by themselves also draw the fit along, and then leave all the others beside it.
    chosen = moved if not still.motes or _numbers_needed(moved) <= _numbers_needed(still) else still
    return _answer(chosen, case, structure)


def _far(case: _Case, near: Overlay) -> _Found | None:
    """A wholly different placing, if it explains the light far better than the one as it is does."""
    far = _best_of_sweep(case.cells, case.flat)
    excess = _excess(case.cells, far)
    reference = max(near.score, judged(case.cells, near.placing).score)
    lead = (far.score - reference) / excess[0] ** 2
    if lead <= SEARCH_PRICE + 0.5 * NEAR:
        return None
    overlay, free = _simplest(case.cells, far, case.start, excess[1], is_far=True)
    # A mirrored or half turned file has no number to choose, so that one shadow in its place is enough.
    if any(free) and _n_present(far) < LEAST_SHADOWS:
        return None
    return _Found(overlay=overlay, free=free, cells=case.cells, excess=excess, scatters=math.sqrt(2.0 * lead))


def _near(case: _Case, near: Overlay, still: _Found) -> _Found | None:
    """A placing a little beside the one as it is, if it differs beyond chance."""
    overlay, free = _simplest(case.pure, near, case.start, still.excess[1], is_far=False)
    square = 2.0 * (overlay.score - still.overlay.score) / still.excess[1] ** 2
    if not (any(free) and _differs(overlay, square, case.start, free, still.excess[1])):
        return None
    cells = case.pure
    if case.pure is not case.cells:
        response = math.exp(-_displacement(overlay, case) / RESPONSE_CELLS)
        cells = _cells(case.light, case.flat, response=response)
        overlay = fitted(cells, overlay.placing, free=free)
    if _displacement(overlay, case) * case.light.cell_px < SMALLEST_PX:
        return None
    return _Found(overlay=overlay, free=free, cells=cells, excess=still.excess, scatters=math.sqrt(square))


def _numbers_needed(found: _Found) -> int:
    """How many numbers an explanation takes: those of the placing, and two a shadow that has its own."""
    return sum(found.free) + 2 * len(found.motes)


def _excess(cells: LightCells, overlay: Overlay) -> tuple[float, float]:
    return excess_noise(cells, cells.values - cells.model_of(overlay.placing, contrast=overlay.contrast))


def _with_motes(found: _Found, case: _Case) -> _Found:
    motes = follow_motes(
        found.cells, found.overlay, excess=found.excess, chance=FALSE_ALARM, like=case.light, cut=case.flat.cut
    )
    return dataclasses.replace(found, motes=motes)


def _displacement(overlay: Overlay, case: _Case) -> float:
    """How far the middle one of the shadows lies from its place as it is, in cells."""
    places = [(case.cells.place(s, overlay.placing), case.cells.place(s, case.start)) for s in case.cells.shadows]
    return float(np.median([math.dist(*pair) for pair in places]))


def _explains(overlay: Overlay) -> bool:
    """Whether nearly all shadows are there, and about as strong as the flat says."""
    total = float(overlay.squares.sum())
    if not total > 0 or overlay.contrast < 0.7:
        return False
    shares = presence(overlay.products, overlay.squares, overlay.contrast)
    return float((shares * overlay.squares).sum()) > 0.9 * total


def _n_present(overlay: Overlay) -> int:
    """How many shadows are where an overlay has them."""
    shares = presence(overlay.products, overlay.squares, overlay.contrast)
    return int(np.count_nonzero((shares > 0.5) & (overlay.contrast**2 * overlay.squares > LEAST_SQUARE)))


def _best_of_sweep(cells: LightCells, dust: Dust) -> Overlay:
    """The best of all angles and shifts: found blurred, then sharp."""
    places = swept(dust.picture, light=cells.values, weights=cells.weights)
    blurred = cells.blurred(levels=BLUR)
    coarse = sorted((fitted(blurred, place) for place in places), key=lambda one: -one.score)
    return max((fitted(cells, one.placing) for one in coarse[:2]), key=lambda one: one.score)


def _simplest(
    cells: LightCells, best: Overlay, start: Placing, excess: float, *, is_far: bool
) -> tuple[Overlay, tuple[bool, bool, bool]]:
    """The placing with fewer numbers, where turning or shifting alone explains the shadows as well."""
    at = best.placing
    angle = at.angle_deg % 360.0
    whole = 180.0 if abs(angle - 180.0) < SNAP_DEG else 0.0
    near_whole = abs((angle - whole + 180.0) % 360.0 - 180.0) < SNAP_DEG
    trials: list[tuple[Overlay, tuple[bool, bool, bool]]] = []
    if is_far and near_whole:
        exact = dataclasses.replace(at, angle_deg=whole, dy=start.dy, dx=start.dx)
        trials.append((judged(cells, exact), (False, False, False)))
    turned = fitted(cells, dataclasses.replace(at, dy=start.dy, dx=start.dx), free=(True, False, False))
    trials.append((turned, (True, False, False)))
    if near_whole:
        shifted = fitted(cells, dataclasses.replace(at, angle_deg=whole), free=(False, True, True))
        trials.append((shifted, (False, True, True)))
    trials.append((best, (True, True, True)))
    # Each free number must earn its chance of one in a thousand (a normal's 3.3 scatters).
    price = 0.5 * NUMBER_PRICE * excess**2
    return max(trials, key=lambda one: one[0].score - price * sum(one[1]))


def _differs(best: Overlay, square: float, start: Placing, free: tuple[bool, bool, bool], excess: float) -> bool:
    """Whether the fitted numbers differ from the start beyond chance, by their errors and by the likelihood."""
    from scipy import special

    which = np.flatnonzero(free)
    at = best.placing
    apart = np.array([math.radians(_reduced(at.angle_deg)), at.dy - start.dy, at.dx - start.dx])[which]
    covariance = best.covariance[np.ix_(which, which)]
    if not np.isfinite(covariance).all():
        return False
    by_errors = float(apart @ np.linalg.solve(covariance, apart)) / excess**2
    return float(special.chdtrc(which.size, min(by_errors, square))) < FALSE_ALARM


def _answer(found: _Found, case: _Case, structure: float) -> Geometry:
    """The values for the user: pixels and degrees, file and optics together."""
    cell, best = case.light.cell_px, found.overlay
    file_lies, file_angle, _ = _of_file(case.fingerprint)
    angle, shift = _reduced(best.placing.angle_deg), (float(best.placing.dy) * cell, float(best.placing.dx) * cell)
    order, by_pixels = case.fingerprint.order, file_lies is not Lies.WELL
    if best.placing.mirrored:
        # Rows reversed and half a turn are columns reversed.
        half_turn = abs(abs(angle) - 180.0) < SNAP_DEG
        order = Order.COLUMNS if half_turn else Order.ROWS
        angle = _reduced(angle - 180.0) if half_turn else angle
        lies = Lies.FLIPPED
    elif file_lies is Lies.FLIPPED:
        lies = Lies.FLIPPED
    else:
        angle = _reduced(angle + file_angle)
        lies = _MOVES[abs(angle) > 1e-9, max(map(abs, shift)) > 1e-9]
    errors = None
    if any(found.free) and np.isfinite(best.covariance).all():
        errors = np.sqrt(np.diag(best.covariance)) * found.excess[1]
    # Away from the flat's own place its unsharp rims make the contrast too large by up to a fifth.
    there = float((presence(best.products, best.squares, best.contrast) * best.squares).sum())
    in_place = found.cells is case.pure and not any(found.free) and there > 0
    return Geometry(
        lies=lies, angle_deg=angle, shift_px=shift,
        angle_error_deg=None if errors is None else math.degrees(float(errors[0])),
        shift_error_px=None if errors is None else (float(errors[1]) * cell, float(errors[2]) * cell),
        order=order, by_pixels=by_pixels,
        scatters=max(found.scatters, case.fingerprint.scatters if by_pixels else 0.0), structure=structure,
        contrast=float(best.contrast) if in_place else None,
        contrast_error=found.excess[0] / math.sqrt(there) if in_place else None,
        motes=found.motes, n_shadows=len(case.cells.shadows),
    )  # fmt: skip


def _reduced(angle_deg: float) -> float:
    """An angle from -180 (exclusive) to 180 (inclusive)."""
    reduced = -((-angle_deg + 180.0) % 360.0 - 180.0)
    return 0.0 if reduced == 0.0 else reduced


_MOVES: Final = {
    (False, False): Lies.WELL,
    (True, False): Lies.TURNED,
    (False, True): Lies.SHIFTED,
    (True, True): Lies.TURNED_AND_SHIFTED,
}
