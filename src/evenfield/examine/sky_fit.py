"""The few numbers that all lights share, with the sky of each light beside them: generalized least squares on cells.

The model of cell i of light k, calibrated with the flat M::

    y_ki = P_k(x_i) T(M_i; numbers) + A(M_i; numbers) + e_ki - kappa n_i y_ki

P_k is a polynomial of the place, of its own for each light; e_ki the noise of the light's cell; n_i the relative noise
of the flat's cell, which is the same in all lights and in the regressor too. ``kappa`` is 1 for a good flat, 1 + eta
with an exponent. The flat's noise would draw the numbers to "over-corrected", as it does in any regression on a noisy
regressor; what it adds to the normal equations is known and taken off (Fuller 1987, "Measurement Error Models", Wiley,
section 1.2).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Final

import numpy as np

from evenfield.examine.cells import Cells, Grid
from evenfield.examine.laws import Law, LawTerms
from evenfield.model.pixels import BoolArray, Float64Array

SKY_DEGREE: Final = 2
"""A sky is a plane and a quadratic part."""

MOST_SKY_DEGREE: Final = 4
"""Up to this degree the polynomial grows where the sky asks for it: more would take the vignetting with it."""

MORE_SCATTERS: Final = 5.0
"""A higher degree is taken where chi squared falls by so many standard deviations more than chance makes it."""

CLIP: Final = 4.5
"""Cells are left out from so many scatters on, alone or in squares."""

CLIP_FIRST: Final = 2.5
"""The same while residuals scatter more than `FAR_ABOVE` times as much as the stated errors."""

FAR_ABOVE: Final = 1.5

LIMIT_SAMPLES: Final = 5000
"""About so many cells tell the scatter: to 2 %."""

SQUARES: Final = (3, 7, 15)
"""Sides of the squares of cells whose sums are looked at: nebulae are wider than cells, and may be fainter than their
noise."""

LEAST_CELLS: Final = 200
"""With fewer cells nothing is said."""

CLUSTER: Final = 8
"""Sides of squares of cells whose errors are looked at together: what is left of a wrong sky model hangs together."""

STEP: Final = 1e-4
"""The relative change of the flat by which derivatives are taken."""

FIRST_ROUNDS: Final = 4
"""Rounds that fit the skies alone; fewer where nothing stands out."""

MUCH_LEFT_OUT: Final = 0.05
"""The share of the cells from which on what was left out may have been the flat's own fault, and not a nebula."""

ROUNDS: Final = 25
STEPS: Final = 2
"""Gauss-Newton steps between two looks at the cells: each makes what is left over a hundred times smaller."""

LAST_STEPS: Final = 4
MAD_FACTOR: Final = 1.4826


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SkyFit:
    """The numbers of a law, as the skies of lights tell them.

    Parameters
    ----------
    numbers : float64 array (q,)
        In the order of the law.
    covariance : float64 array (q, q)
        Of ``numbers``: noise of lights and flat, what is unknown of the flat's noise, and what cells have in common
        that the model does not explain.
    bound : float64 array (q, q)
        The least covariance that any unbiased estimate can have under the stated model (Cramer and Rao), from the
        cells that were used and their stated errors.
    degree : int
        Of the sky's polynomial.
    sky_adu : tuple of float
        The median sky of each light.
    clipped_share : float
        The share of usable cells that were left out as nebulae and the like.
    noise_scale : float
        The scatter of the residuals in units of the stated errors: about 1.
    misfit : float
        By how much neighboring residuals enlarge the errors: 1 where the model explains them.
    residuals : float64 array (rows, columns)
        The mean of all lights' relative residuals, NaN where no cell was used.
    used : bool array (lights, cells)
        The cells that were used, of lights that have a sky.
    """

    numbers: Float64Array
    covariance: Float64Array
    bound: Float64Array
    degree: int
    sky_adu: tuple[float, ...]
    clipped_share: float
    noise_scale: float
    misfit: float
    residuals: Float64Array
    used: BoolArray


@dataclasses.dataclass(slots=True, kw_only=True, eq=False)
class _Data:
    """All cells as flat arrays: (lights, cells) and (cells,). Weights of unusable cells are 0."""

    grid: Grid
    y: Float64Array
    variance: Float64Array
    valid: BoolArray
    flat: Float64Array
    flat_variance: Float64Array
    mean: float
    limit_only: bool


@dataclasses.dataclass(slots=True, kw_only=True, eq=False)
class _State:
    """Where the fit is: the numbers and the coefficients (lights, basis)."""

    numbers: Float64Array
    skies: Float64Array


@dataclasses.dataclass(slots=True, kw_only=True, eq=False)
class _Look:
    """What a state says: the law at the flat and at one that is `STEP` brighter, skies, model, relative residuals."""

    here: LawTerms
    beside: LawTerms
    sky: Float64Array
    model: Float64Array
    rest: Float64Array
    kappa: Float64Array
    relative_variance: Float64Array


@dataclasses.dataclass(slots=True, kw_only=True, eq=False)
class _Normal:
    """Normal equations after the skies are taken out, and what errors are made of.

    ``influence`` (q, lights, cells) is the weight times the regressor without its part that a sky can do.
    """

    matrix: Float64Array
    right: Float64Array
    flat_part: Float64Array
    flat_right: Float64Array
    influence: Float64Array
    rest: Float64Array
    kappa: Float64Array
    relative_variance: Float64Array
    weights: Float64Array
    coefficients: list[tuple[Float64Array, Float64Array]]


def fit_sky(
    lights: Sequence[Cells], *, flat: Cells, law: Law, degree: int = SKY_DEGREE, most_degree: int = MOST_SKY_DEGREE
) -> SkyFit | None:
    """Fit the numbers that lights share.

    Parameters
    ----------
    lights : sequence of Cells
        One color of each light, calibrated with the flat; all on the flat's grid.
    flat : Cells
        The same color of the master flat.
    law : Law
        Of `evenfield.examine.laws`.
    degree, most_degree : int
        The sky of a light is a polynomial of ``degree``; of a higher one, up to ``most_degree``, where the lights ask
        for it.

    Returns
    -------
    SkyFit or None
        ``None`` where fewer than `LEAST_CELLS` cells are left, or the regressor is nothing but sky.
    """
    data = _gathered(lights, flat)
    if data is None:
        return None
    found = _robust_fit(data, law, degree)
    while found is not None and degree < most_degree:
        state, use = found
        higher = _refined(data, law, degree + 1, use, _start(data, law, degree + 1), steps=LAST_STEPS)
        if higher is None:
            break
        gained = _chi_squared(data, law, state, degree, use) - _chi_squared(data, law, higher, degree + 1, use)
        chance = data.y.shape[0] * (degree + 2.0)
        if gained <= chance + MORE_SCATTERS * (2.0 * chance) ** 0.5:
            break
        again = _robust_fit(data, law, degree + 1)
        if again is None:
            break
        found, degree = again, degree + 1
    if found is None:
        return None
    return _summed_up(data, law, degree, *found)


def fit_again(lights: Sequence[Cells], *, flat: Cells, law: Law, like: SkyFit) -> SkyFit | None:
    """Fit another law to the cells that a fit used, with skies of the same degree.

    Parameters
    ----------
    lights, flat, law
        As those of `fit_sky`; the same lights and flat as those of ``like``.
    like : SkyFit
    """
    data = _gathered(lights, flat)
    if data is None:
        return None
    state = _refined(data, law, like.degree, like.used, _start(data, law, like.degree), steps=LAST_STEPS)
    return None if state is None else _summed_up(data, law, like.degree, state, like.used)


def sky_bound(lights: Sequence[Cells], *, flat: Cells, law: Law, degree: int = SKY_DEGREE) -> Float64Array | None:
    """The Cramer-Rao bound of a law's numbers at 0, under the stated model with the errors of the cells.

    Parameters
    ----------
    lights, flat, law, degree
        As those of `fit_sky`.

    Returns
    -------
    float64 array (q, q) or None
        The least covariance of the numbers: the inverse of Fisher's information with the skies as nuisance.
    """
    data = _gathered(lights, flat)
    if data is None:
        return None
    state = _start(data, law, degree)
    solved = _refined(data, law, degree, data.valid, state, steps=LAST_STEPS, only_skies=True)
    if solved is None:
        return None
    normal = _normal(data, law, solved, degree, data.valid)
    return _inverse(normal.matrix - normal.flat_part)


def _gathered(lights: Sequence[Cells], flat: Cells) -> _Data | None:
    y = np.stack([one.value.ravel() for one in lights])
    error = np.stack([one.error.ravel() for one in lights])
    with np.errstate(invalid="ignore"):
        usable = np.isfinite(flat.value.ravel()) & (flat.value.ravel() > 0) & np.isfinite(flat.error.ravel())
        valid = np.isfinite(y) & np.isfinite(error) & (error > 0) & usable
    if np.count_nonzero(valid.sum(axis=0)) < LEAST_CELLS:
        return None
    # A light without a sky above 0 says nothing.
    middles = np.array([np.median(one[here]) if here.any() else 0.0 for one, here in zip(y, valid, strict=True)])
    kept = (middles > 0) & (valid.sum(axis=1) >= LEAST_CELLS)
    if not kept.any():
        return None
    y, error, valid = y[kept], error[kept], valid[kept]
    values = np.where(usable, flat.value.ravel(), 1.0)
    mean = float(values[usable].mean())
    noise = np.where(usable, flat.error.ravel() / values, 0.0) ** 2
    return _Data(
        grid=flat.grid,
        y=np.where(valid, y, 1.0),
        variance=np.where(valid, error, 1.0) ** 2,
        valid=valid,
        flat=np.where(usable, values, mean),
        # Of an upper limit the half: the truth lies between nothing and all of it.
        flat_variance=0.5 * noise if flat.error_is_limit else noise,
        mean=mean,
        limit_only=flat.error_is_limit,
    )


def _basis(grid: Grid, degree: int) -> Float64Array:
    """Products of Legendre polynomials of the place, float64 (cells, (degree + 1)(degree + 2)/2)."""
    y = np.polynomial.legendre.legvander(np.linspace(-1.0, 1.0, grid.rows), degree)
    x = np.polynomial.legendre.legvander(np.linspace(-1.0, 1.0, grid.columns), degree)
    parts = [
        np.outer(y[:, power], x[:, total - power]).ravel() for total in range(degree + 1) for power in range(total + 1)
    ]
    return np.stack(parts, axis=1)


def _start(data: _Data, law: Law, degree: int) -> _State:
    skies = np.zeros((data.y.shape[0], (degree + 1) * (degree + 2) // 2))
    skies[:, 0] = [np.median(one[here]) for one, here in zip(data.y, data.valid, strict=True)]
    return _State(numbers=np.zeros(law.numbers), skies=skies)


def _normal(data: _Data, law: Law, state: _State, degree: int, use: BoolArray) -> _Normal:
    """The normal equations at a state; relative residuals, weights that know of the flat's common noise."""
    basis, step = _basis(data.grid, degree), STEP
    look = _look(data, law, state, degree)
    here, beside, sky, model, rest = look.here, look.beside, look.sky, look.model, look.rest
    kappa, relative, weights = look.kappa, look.relative_variance, _weights(data, look, use)
    n_lights, q = data.y.shape[0], law.numbers
    matrix, right = np.zeros((q, q)), np.zeros(q)
    flat_part, flat_right = np.zeros((q, q)), np.zeros(q)
    influence, coefficients = np.empty((q, *data.y.shape)), []
    for k in range(n_lights):
        regressors = (sky[k] * here.factor_by + here.added_by) / model[k]
        model_beside = sky[k] * beside.factor + beside.added
        changed = ((sky[k] * beside.factor_by + beside.added_by) / model_beside - regressors) / step
        design = basis * (here.factor / model[k])[:, None]
        weighted = design * weights[k][:, None]
        square = weighted.T @ design
        inverse = np.linalg.pinv(square, hermitian=True)
        own = inverse @ (weighted.T @ regressors.T)
        shift = inverse @ (weighted.T @ rest[k])
        left = regressors - (design @ own).T
        influence[:, k] = left * weights[k]
        matrix += influence[:, k] @ left.T
        right += influence[:, k] @ (rest[k] - design @ shift)
        noise = weights[k] * data.flat_variance
        flat_part += (changed * noise) @ changed.T
        flat_right += changed @ (noise * kappa[k])
        coefficients.append((shift, own))
    return _Normal(
        matrix=matrix, right=right, flat_part=flat_part, flat_right=flat_right, influence=influence, rest=rest,
        kappa=kappa, relative_variance=relative, weights=weights, coefficients=coefficients,
    )  # fmt: skip


def _look(data: _Data, law: Law, state: _State, degree: int) -> _Look:
    here = law.terms(state.numbers, data.flat, data.mean)
    beside = law.terms(state.numbers, data.flat * (1.0 + STEP), data.mean)
    sky = np.maximum(state.skies @ _basis(data.grid, degree).T, 1e-3 * state.skies[:, :1])
    model = sky * here.factor + here.added
    model = np.maximum(model, 1e-3 * np.abs(state.skies[:, :1]))
    # What a relative change of the flat does to the residuals; the calibrated value goes as 1/M.
    kappa = 1.0 + ((sky * beside.factor + beside.added) / model - 1.0) / STEP
    return _Look(
        here=here, beside=beside, sky=sky, model=model, rest=data.y / model - 1.0, kappa=kappa,
        relative_variance=data.variance / model**2,
    )  # fmt: skip


def _weights(data: _Data, look: _Look, use: BoolArray) -> Float64Array:
    """Inverse variances, lessened where the flat's noise, which all lights share, counts more than theirs."""
    plain = np.where(use, 1.0 / look.relative_variance, 0.0)
    made: Float64Array = plain / (1.0 + (look.kappa**2 * data.flat_variance * plain).sum(axis=0))
    return made


def _inverse(matrix: Float64Array) -> Float64Array | None:
    """The inverse of a covariance's inverse; ``None`` where it is not positive definite."""
    size = np.sqrt(np.abs(np.diag(matrix)))
    if not (np.isfinite(size).all() and (size > 0).all()):
        return None
    scaled = matrix / np.outer(size, size)
    if np.linalg.eigvalsh(scaled)[0] <= 1e-12:
        return None
    made: Float64Array = np.linalg.inv(scaled) / np.outer(size, size)
    return made


def _refined(
    data: _Data,
    law: Law,
    degree: int,
    use: BoolArray,
    state: _State,
    *,
    steps: int = STEPS,
    only_skies: bool = False,
) -> _State | None:
    """Gauss-Newton steps on the cells of ``use``."""
    for _ in range(steps):
        normal = _normal(data, law, state, degree, use)
        change = np.zeros(law.numbers)
        if not only_skies:
            inverse = _inverse(normal.matrix - normal.flat_part)
            if inverse is None:
                return None
            change = inverse @ (normal.right + normal.flat_right)
        moved = np.stack([shift - own @ change for shift, own in normal.coefficients])
        state = _State(numbers=state.numbers + change, skies=state.skies + moved)
        if not (np.isfinite(state.numbers).all() and (state.skies[:, 0] > 0).all()):
            return None
    return state


def _scaled_residuals(data: _Data, law: Law, state: _State, degree: int) -> Float64Array:
    look = _look(data, law, state, degree)
    variance = look.relative_variance + look.kappa**2 * data.flat_variance
    made: Float64Array = np.where(data.valid, look.rest / np.sqrt(variance), 0.0)
    return made


def _chi_squared(data: _Data, law: Law, state: _State, degree: int, use: BoolArray) -> float:
    look = _look(data, law, state, degree)
    return float((_weights(data, look, use) * look.rest**2).sum())


def _robust_fit(data: _Data, law: Law, degree: int) -> tuple[_State, BoolArray] | None:
    """The fit and the cells that it used: what stands out, alone or in squares, is left out and looked at anew.

    The first rounds fit the skies alone: together with a bright nebula, the numbers would go anywhere. But to skies
    alone a flat that is far off is nothing but structure; so where much was left out, all is fitted from the beginning
    too, and the fit that explains more of the cells is taken.
    """
    found = _rounds(data, law, degree, first_rounds=FIRST_ROUNDS)
    n_valid = np.count_nonzero(data.valid)
    if found is not None and np.count_nonzero(found[1]) >= (1.0 - MUCH_LEFT_OUT) * n_valid:
        return found
    other = _rounds(data, law, degree, first_rounds=0)
    if found is None or other is None:
        return found or other
    return max(found, other, key=lambda one: np.count_nonzero(one[1]))


def _rounds(data: _Data, law: Law, degree: int, *, first_rounds: int) -> tuple[_State, BoolArray] | None:
    state: _State | None = _start(data, law, degree)
    use = data.valid
    turn = 0
    for _ in range(first_rounds + ROUNDS):
        if state is None or np.count_nonzero(use.any(axis=0)) < LEAST_CELLS:
            return None
        first, turn = turn < first_rounds, turn + 1
        state = _refined(data, law, degree, use, state, only_skies=first)
        if state is None:
            return None
        kept = data.valid & ~_outliers(_scaled_residuals(data, law, state, degree), data)
        same = np.count_nonzero(kept != use) <= 1e-4 * kept.size
        use = kept
        if same and not first:
            break
        if same:
            turn = first_rounds
    if np.count_nonzero(use.any(axis=0)) < LEAST_CELLS or state is None:
        return None
    state = _refined(data, law, degree, use, state, steps=LAST_STEPS)
    return None if state is None else (state, use)


def _outliers(z: Float64Array, data: _Data) -> BoolArray:
    """Cells that stand out by themselves or in squares, in their own light or in all lights together."""
    shape = (data.grid.rows, data.grid.columns)
    found = np.zeros(z.shape, np.bool_)
    limits = [_limit(one, here) for one, here in zip(z, data.valid, strict=True)]
    for k in range(z.shape[0]):
        found[k] = _standing_out(z[k].reshape(shape), data.valid[k].reshape(shape)).ravel()
    if z.shape[0] > 1:
        count = data.valid.sum(axis=0)
        tame = [np.clip(one, -2.0 * limit, 2.0 * limit) for one, limit in zip(z, limits, strict=True)]
        common = np.sum(tame, axis=0) / np.sqrt(np.maximum(count, 1))
        found |= _standing_out(common.reshape(shape), (count > 0).reshape(shape)).ravel()
    return found


def _standing_out(z: Float64Array, valid: BoolArray) -> BoolArray:
    from scipy import ndimage

    limit = _limit(z, valid)
    found: BoolArray = valid & (np.abs(z) > limit)
    # One bright cell alone must not take its square with it.
    tame = np.where(valid, np.clip(z, -2.0 * limit, 2.0 * limit), 0.0)
    for side in SQUARES:
        total = ndimage.uniform_filter(tame, side, mode="constant") * side**2
        count = ndimage.uniform_filter(valid.astype(np.float64), side, mode="constant") * side**2
        mean = total / np.sqrt(np.maximum(count, 1.0))
        known = valid & (count > 0.5)
        high = known & (np.abs(mean) > _limit(mean, known))
        if high.any():
            found |= ndimage.maximum_filter(high.view(np.uint8), side, mode="constant").view(np.bool_)
    return found


def _limit(z: Float64Array, valid: BoolArray) -> float:
    """From where on values stand out: so many scatters, but never below those of the stated errors.

    The scatter is that of the quieter side: a nebula is bright, moved dust dark. While it is far above the stated one,
    the fit still is that of sky and nebula together, and the limit is a lower one, so that the next fit is less so.
    """
    if not valid.any():
        return CLIP
    values = z[valid]
    values = values[:: 1 + values.size // LIMIT_SAMPLES]
    apart = values - np.median(values)
    sides = [MAD_FACTOR * float(np.median(np.abs(side))) for side in (apart[apart < 0], apart[apart > 0]) if side.size]
    scatter = max(1.0, min(sides, default=1.0))
    return (CLIP if scatter < FAR_ABOVE else CLIP_FIRST) * scatter


def _summed_up(data: _Data, law: Law, degree: int, state: _State, use: BoolArray) -> SkyFit | None:
    normal = _normal(data, law, state, degree, use)
    inverse = _inverse(normal.matrix - normal.flat_part)
    if inverse is None:
        return None
    pull = inverse @ normal.influence.reshape(law.numbers, -1)
    pull = pull.reshape(law.numbers, *data.y.shape)
    together = (pull * normal.kappa).sum(axis=1)
    z = normal.rest / np.sqrt(normal.relative_variance + normal.kappa**2 * data.flat_variance)
    scale = max(MAD_FACTOR * float(np.median(np.abs(z[use]))), 0.5)
    noise = np.einsum("aki,bki,ki->ab", pull, pull, np.where(use, normal.relative_variance, 0.0))
    noise = scale**2 * noise + (together * data.flat_variance) @ together.T
    misfit = _misfit(data, pull * np.where(use, normal.rest, 0.0), noise)
    covariance = noise * misfit**2
    if data.limit_only:
        # The flat's noise lies anywhere between nothing and twice what was taken off.
        astray = inverse @ normal.flat_right
        covariance = covariance + np.outer(astray, astray) / 3.0
    count = use.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(count > 0, np.where(use, normal.rest, 0.0).sum(axis=0) / count, np.nan)
    return SkyFit(
        numbers=state.numbers,
        covariance=covariance,
        bound=inverse,
        degree=degree,
        sky_adu=tuple(float(np.median(one[here])) for one, here in zip(data.y, data.valid, strict=True)),
        clipped_share=1.0 - float(np.count_nonzero(use)) / float(np.count_nonzero(data.valid)),
        noise_scale=scale,
        misfit=misfit,
        residuals=mean.reshape(data.grid.rows, data.grid.columns),
        used=use,
    )


def _misfit(data: _Data, moved: Float64Array, noise: Float64Array) -> float:
    """By how much the numbers' error exceeds that of independent cells: sums over squares, all lights together.

    ``moved`` (q, lights, cells) is what each cell moved the numbers by. 1 where chance alone can explain the excess:
    3.5 standard deviations of a sum of squares with as many terms as count.
    """
    rows, columns = -(-data.grid.rows // CLUSTER), -(-data.grid.columns // CLUSTER)
    largest = 1.0
    for q in range(moved.shape[0]):
        whole = np.zeros((rows * CLUSTER, columns * CLUSTER))
        whole[: data.grid.rows, : data.grid.columns] = moved[q].sum(axis=0).reshape(data.grid.rows, data.grid.columns)
        squares = whole.reshape(rows, CLUSTER, columns, CLUSTER).sum(axis=(1, 3)).ravel() ** 2
        total = float(squares.sum())
        terms = 3.0 * total**2 / max(float((squares**2).sum()), 1e-300)
        ratio = total / max(float(noise[q, q]), 1e-300)
        if ratio > 1.0 + 3.5 * (2.0 / max(terms, 1.0)) ** 0.5:
            largest = max(largest, ratio)
    return float(largest**0.5)
