"""The rejections that take one sample at a time: esd and rcr."""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import numpy as np
from scipy.special import erfcinv, erfinv, stdtrit

from evenfield.model.pixels import Float64Array
from evenfield.testing.rejecting_verdict import BEYOND, Verdict, scatter_of

ONE_SIGMA: Final = math.erf(1.0 / math.sqrt(2.0))
"""Share of a normal distribution within one standard deviation, 0.6827."""


class EsdStep(NamedTuple):
    """One step of esd: the sample taken, on which side of the mean it lay, its R and Rosner's lambda for it.

    ``choice`` is how close the choice between the two ends was, as a margin of `Verdict`.
    """

    sample: int
    is_high: bool
    deviation: float
    limit: float
    choice: float


def esd(x: Float64Array, *, outliers: float, alpha: float) -> Verdict:
    """The generalized extreme Studentized deviate test: up to ceil(``outliers`` n) of the samples, at most n - 2.

    The number of outliers is the largest i with R_i > lambda_i in `esd_steps`; they are the first i samples taken, low
    or high by the side of the mean on which each lay in its step.
    """
    verdict = Verdict.of(x.size)
    steps = esd_steps(x, most=math.ceil(outliers * x.size), alpha=alpha)
    found = 0
    for i, step in enumerate(steps, start=1):
        verdict.margin = min(verdict.margin, step.choice)
        if verdict.exceeds(step.deviation, step.limit):
            found = i
    for step in steps[:found]:
        (verdict.high if step.is_high else verdict.low)[step.sample] = True
    return verdict


def esd_steps(x: Float64Array, *, most: int, alpha: float) -> list[EsdStep]:
    """The steps of the generalized extreme Studentized deviate test (Rosner 1983, Technometrics 25, 165).

    In step i, R_i is the largest abs(x - mean) / s (ddof 1) of the samples left, which then loses that sample. At most
    ``most`` steps, while 3 samples are left (n - 2 steps); s = 0 ends them. Of equal distances (to 1e-6) the greater
    value is taken; of equal values the latest frame at the high end, the earliest at the low end.
    """
    order = np.argsort(x, kind="stable")
    steps: list[EsdStep] = []
    while len(steps) < most and order.size >= 3:
        left = x[order]
        s = scatter_of(left, ddof=1)
        if s == 0:
            break
        is_high, distance, choice = _worst(left, float(left.mean()))
        limit = esd_limit(x.size, len(steps) + 1, alpha)
        steps.append(EsdStep(int(order[-1 if is_high else 0]), is_high, distance / s, limit, choice))
        order = order[:-1] if is_high else order[1:]
    return steps


def esd_limit(n: int, i: int, alpha: float) -> float:
    """Rosner's lambda_i for ``n`` samples: (n - i) t / sqrt((n - i - 1 + t^2)(n - i + 1)).

    t is the quantile 1 - alpha / (2 (n - i + 1)) of Student's distribution with n - i - 1 degrees of freedom.
    """
    t = float(stdtrit(n - i - 1, 1.0 - alpha / (2.0 * (n - i + 1))))
    return (n - i) * t / math.sqrt((n - i - 1 + t * t) * (n - i + 1))


def rcr(x: Float64Array, *, limit: float) -> Verdict:
    """Robust Chauvenet rejection (Maples et al. 2018, ApJS 238, 2): one worst sample at a time, in three phases.

    Each phase has a center c and a deviation s of the N survivors, taken anew before every rejection:

    1. c = median, s = slope of the least-squares line without intercept through the sorted d_i = abs(x - c) against
       t_i = sqrt(2) erfinv((i + P)/N), over the i = 0, 1, .. with t_i < 1, which are i < P (N - 1);
    2. c = median, s = the d interpolated linearly at the place P (N - 1) of d_0 .. d_(N - 1);
    3. c = mean, s = standard deviation (ddof 1),

    with P = erf(1/sqrt(2)) = 0.6827. While N > 3 and s > 0, the worst is the end of the sorted survivors that lies
    farther from c; of equal distances (to 1e-6) the greater value; of equal values the latest frame at the high end,
    the earliest at the low end. It is rejected where N Q(z) < limit, with Q(z) = erfc(z/sqrt(2)) and z its distance
    over s: where the distance exceeds s sqrt(2) erfcinv(limit/N), with the usual 1e-6 for ties. Else, and where s = 0,
    the next phase goes on with the survivors.

    Not taken from the paper: its factors for small N, found by simulation, and its line with a break. So s is too small
    for few samples, and more clean samples go than the limit says.
    """
    verdict, order = Verdict.of(x.size), np.argsort(x, kind="stable")
    for phase in (1, 2, 3):
        while order.size > 3:
            left = x[order]
            center, s = _center_and_deviation(left, phase)
            if s == 0:
                break
            is_high, distance, choice = _worst(left, center)
            verdict.margin = min(verdict.margin, choice)
            if not verdict.exceeds(distance, s * math.sqrt(2.0) * float(erfcinv(limit / left.size))):
                break
            (verdict.high if is_high else verdict.low)[order[-1 if is_high else 0]] = True
            order = order[:-1] if is_high else order[1:]
    return verdict


def _center_and_deviation(left: Float64Array, phase: int) -> tuple[float, float]:
    if phase == 3:
        return float(left.mean()), scatter_of(left, ddof=1)
    center = float(np.median(left))
    d = np.sort(np.abs(left - center))
    if phase == 2:
        place = ONE_SIGMA * (d.size - 1)
        j = math.floor(place)
        return center, float(d[j] + (place - j) * (d[j + 1] - d[j]))
    t = math.sqrt(2.0) * erfinv((np.arange(math.ceil(ONE_SIGMA * (d.size - 1))) + ONE_SIGMA) / d.size)
    return center, float((t * d[: t.size]).sum() / (t * t).sum())


def _worst(left: Float64Array, center: float) -> tuple[bool, float, float]:
    """Whether the high end of sorted samples is at least as far from the center, the distance, and how close it was."""
    below, above = center - float(left[0]), float(left[-1]) - center
    choice = abs(below / above - BEYOND) if above > 0 else math.inf
    return (False, below, choice) if below > above * BEYOND else (True, above, choice)
