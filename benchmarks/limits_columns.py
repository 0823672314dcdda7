"""The rejections column by column, and the share of clean samples that they lose: the numba part of limits.py.

Written from the definitions alone (docs/rejections.md), sharing nothing with the kernels that they correct. Limits are
effective ones here, that is multiplied by the tie rule's 1.000001.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

SIGMA, MAD, WINSORIZED, KNOWN, RANKS, SCORES, ZSCORE, ESD = range(8)
"""KNOWN is averaged and ccd, whose noise is known from outside the column: 1 here."""

CACHE = 24
"""Samples gone on either side up to which the scatter of the survivors is kept for the next pair of limits."""


@njit(cache=True, nogil=True)
def median(x, first, last):
    middle = (first + last) // 2
    if (last - first) % 2 == 1:
        return x[middle]
    return 0.5 * (x[middle - 1] + x[middle])


@njit(cache=True, nogil=True)
def median_deviation(x, first, last, center):
    """The median of abs(x - center) of a sorted range, walking outwards from its middle."""
    high = (first + last) // 2
    low = high - 1
    before, found = 0.0, 0.0
    for _ in range((last - first) // 2 + 1):
        before = found
        if high >= last or (low >= first and center - x[low] <= x[high] - center):
            found = center - x[low]
            low -= 1
        else:
            found = x[high] - center
            high += 1
    return found if (last - first) % 2 == 1 else 0.5 * (before + found)


@njit(cache=True, nogil=True)
def mean_scatter(x, first, last, ddof):
    n = last - first
    total = 0.0
    for k in range(first, last):
        total += x[k]
    mean = total / n
    squares = 0.0
    for k in range(first, last):
        squares += (x[k] - mean) ** 2
    return mean, math.sqrt(squares / (n - ddof))


@njit(cache=True, nogil=True)
def huber_scatter(x, first, last, center, floor):
    """1.134 std(clamp(x, center +- 1.5 s)), repeated; what is clamped stays clamped."""
    n = last - first
    s = max(mean_scatter(x, first, last, 1)[1], floor)
    reach, low, high = np.inf, first, last
    total, squares, is_new = 0.0, 0.0, True
    for _ in range(50):
        reach = min(reach, 1.5 * s)
        while low < high and center - x[low] > reach:
            low += 1
            is_new = True
        while high > low and x[high - 1] - center > reach:
            high -= 1
            is_new = True
        if is_new:
            total, squares, is_new = 0.0, 0.0, False
            for k in range(low, high):
                total += x[k] - center
                squares += (x[k] - center) ** 2
        clamped = n - (high - low)
        whole = total + (reach * ((last - high) - (low - first)) if clamped > 0 else 0.0)
        whole_squares = squares + (reach * reach * clamped if clamped > 0 else 0.0)
        settled = max(1.134 * math.sqrt(max(whole_squares - whole * whole / n, 0.0) / (n - 1)), floor)
        if abs(settled - s) <= 5e-4 * s:
            return settled
        s = settled
    return s


@njit(cache=True, nogil=True)
def center_scatter(kind, x, first, last, floor):
    if kind == SIGMA:
        return median(x, first, last), mean_scatter(x, first, last, 1)[1]
    if kind == ZSCORE:
        return mean_scatter(x, first, last, 0)
    center = median(x, first, last)
    if kind == MAD:
        return center, 1.4826 * median_deviation(x, first, last, center)
    if kind == WINSORIZED:
        return center, huber_scatter(x, first, last, center, floor)
    return center, 1.0


@njit(cache=True, nogil=True)
def fit_line(x, keep, left, table, residuals):
    """Residuals of the ``left`` kept samples from the line through them; returns their mean absolute value."""
    t = table[left]
    total = 0.0
    for k in range(keep.size):
        if keep[k]:
            total += x[k]
    mean = total / left
    j, along, spread = 0, 0.0, 0.0
    for k in range(keep.size):
        if keep[k]:
            along += (x[k] - mean) * t[j]
            spread += t[j] * t[j]
            j += 1
    slope = along / spread
    j, total = 0, 0.0
    for k in range(keep.size):
        if keep[k]:
            residuals[k] = x[k] - mean - slope * t[j]
            total += abs(residuals[k])
            j += 1
    return total / left


@njit(cache=True, nogil=True)
def keep_linear(x, limits, table, least, keep, residuals, watched):
    """Mark what survives a repeated line fit; 1 or -1 as soon as the watched sample goes high or low, else 0."""
    n = x.size
    keep[:n] = True
    left = n
    while left > 4:
        d = fit_line(x, keep[:n], left, table, residuals)
        if d <= 1e-12 * (x[n - 1] - x[0]):
            break
        above, below, gone = max(limits[1] * d, least[1]), max(limits[0] * d, least[0]), 0
        for k in range(n):
            if keep[k] and (residuals[k] > above or -residuals[k] > below):
                keep[k] = False
                gone += 1
                if k == watched:
                    return 1 if residuals[k] > 0.0 else -1
        if gone == 0:
            break
        left -= gone
    return 0


@njit(cache=True, nogil=True)
def keep_range(kind, x, limits, floor, least):
    """The range of the sorted samples that survives; zscore goes round once, the others until nothing goes."""
    first, last = 0, x.size
    while last - first > (1 if kind == ZSCORE else 3):
        center, s = center_scatter(kind, x, first, last, floor)
        if s == 0.0:
            break
        below, above = max(limits[0] * s, least[0]), max(limits[1] * s, least[1])
        low, high = first, last
        while low < high and center - x[low] > below:
            low += 1
        while high > low and x[high - 1] - center > above:
            high -= 1
        if (low == first and high == last) or kind == ZSCORE:
            return low, high
        first, last = low, high
    return first, last


@njit(cache=True, nogil=True)
def keep_esd(x, critical):
    """Rosner's generalized ESD: the range that survives; ``critical`` holds lambda of each step."""
    first, last, kept_first, kept_last = 0, x.size, 0, x.size
    for i in range(critical.size):
        if last - first < 3:
            break
        mean, s = mean_scatter(x, first, last, 1)
        if s == 0.0:
            break
        below, above = mean - x[first], x[last - 1] - mean
        if above >= below:
            last -= 1
        else:
            first += 1
        if max(below, above) > critical[i] * s:
            kept_first, kept_last = first, last
    return kept_first, kept_last


@njit(cache=True, nogil=True)
def keep_column(kind, x, limits, table, floor, least, keep, residuals):
    """Mark the survivors of a sorted column, whatever the rejection; returns how many went low and high."""
    n = x.size
    if kind in (RANKS, SCORES):
        keep_linear(x, limits, table, least, keep, residuals, -1)
        n_low, n_high = 0, 0
        for k in range(n):
            if not keep[k]:
                # where it went is told by the residual that it had then
                n_high += residuals[k] > 0.0
                n_low += residuals[k] <= 0.0
        return n_low, n_high
    first, last = keep_esd(x, table[0]) if kind == ESD else keep_range(kind, x, limits, floor, least)
    keep[:first] = False
    keep[first:last] = True
    keep[last:n] = False
    return first, n - last


@njit(cache=True, nogil=True)
def insert(others, sample, x):
    """Put a sample among sorted others; returns its place."""
    place = 0
    while place < others.size and others[place] < sample:
        x[place] = others[place]
        place += 1
    x[place] = sample
    for k in range(place, others.size):
        x[k + 1] = others[k]
    return place


@njit(cache=True, nogil=True)
def share_of_ranges(kind, others, ratios, places, weights, own, other, sums, squares):
    """Add up the share lost high by own limits, for pairs with the other side's, of a sample among given others.

    ``places`` (variants, m) are where that sample is put, in units of the others' scatter around their mean, and
    ``weights`` their probability. ``sums`` and ``squares`` are (own, other), or (own, 1) for two equal limits.
    """
    n = others.shape[1] + 1
    x, part = np.empty(n), np.zeros(sums.shape)
    centers, scatters = np.empty((CACHE, CACHE)), np.empty((CACHE, CACHE))
    known, stamp = np.zeros((CACHE, CACHE), np.int64), 0
    is_pair = sums.shape[1] == other.size
    for i in range(others.shape[0]):
        part[:] = 0.0
        for j in range(places.shape[1]):
            sample, weight = places[i % places.shape[0], j], weights[i % places.shape[0], j]
            p = insert(others[i], sample, x)
            stamp += 1
            center0, s0 = center_scatter(kind, x, 0, n, 0.0)
            if s0 == 0.0:
                continue
            up, down, mine = (x[n - 1] - center0) / s0, (center0 - x[0]) / s0, (sample - center0) / s0
            for a in range(own.size):
                for b in range(sums.shape[1]):
                    high, low = own[a], other[b] if is_pair else own[a]
                    if mine > high:
                        part[a, b] += weight
                        continue
                    if up <= high and down <= low:
                        continue
                    first, last, center, s = 0, n, center0, s0
                    while s > 0.0:
                        start, end = first, last
                        while start < end and center - x[start] > low * s:
                            start += 1
                        while end > start and x[end - 1] - center > high * s:
                            end -= 1
                        if end <= p:
                            part[a, b] += weight
                            break
                        if start > p or (start == first and end == last) or end - start <= 3:
                            break
                        first, last = start, end
                        if first < CACHE and n - last < CACHE:
                            if known[first, n - last] != stamp:
                                known[first, n - last] = stamp
                                found = center_scatter(kind, x, first, last, 0.0)
                                centers[first, n - last], scatters[first, n - last] = found
                            center, s = centers[first, n - last], scatters[first, n - last]
                        else:
                            center, s = center_scatter(kind, x, first, last, 0.0)
        add_part(part, ratios[i], sums, squares)


@njit(cache=True, nogil=True)
def share_of_lines(table, others, ratios, places, weights, own, other, sums, squares):
    """As `share_of_ranges`, for the line fits."""
    n = others.shape[1] + 1
    x, part = np.empty(n), np.zeros(sums.shape)
    keep, residuals, residuals0 = np.empty(n, np.bool_), np.empty(n), np.empty(n)
    is_pair = sums.shape[1] == other.size
    for i in range(others.shape[0]):
        part[:] = 0.0
        for j in range(places.shape[1]):
            p = insert(others[i], places[i % places.shape[0], j], x)
            weight = weights[i % places.shape[0], j]
            keep[:] = True
            d = fit_line(x, keep, n, table, residuals0)
            up, down = residuals0.max(), -residuals0.min()
            for a in range(own.size):
                for b in range(sums.shape[1]):
                    high, low = own[a], other[b] if is_pair else own[a]
                    if (up <= high * d and down <= low * d) or -residuals0[p] > low * d:
                        continue
                    if (
                        residuals0[p] > high * d
                        or keep_linear(x, (low, high), table, (0.0, 0.0), keep, residuals, p) == 1
                    ):
                        part[a, b] += weight
        add_part(part, ratios[i], sums, squares)


@njit(cache=True, nogil=True)
def count_of_lines(table, columns, own, other, sums, squares):
    """As `share_of_lines`, by counting over whole columns and their mirror images: for what is not rare."""
    n = columns.shape[1]
    x, part = np.empty(n), np.zeros(sums.shape)
    keep, residuals = np.empty(n, np.bool_), np.empty(n)
    is_pair = sums.shape[1] == other.size
    for i in range(columns.shape[0]):
        part[:] = 0.0
        for side in range(2):
            for k in range(n):
                x[k] = columns[i, k] if side == 0 else -columns[i, n - 1 - k]
            keep[:] = True
            d = fit_line(x, keep, n, table, residuals)
            up, down = residuals.max(), -residuals.min()
            for a in range(own.size):
                for b in range(sums.shape[1]):
                    high, low = own[a], other[b] if is_pair else own[a]
                    if up <= high * d and down <= low * d:
                        continue
                    keep_linear(x, (low, high), table, (0.0, 0.0), keep, residuals, -1)
                    for k in range(n):
                        if not keep[k] and residuals[k] > 0.0:
                            part[a, b] += 0.5 / n
        add_part(part, 1.0, sums, squares)


@njit(cache=True, nogil=True)
def add_part(part, ratio, sums, squares):
    for a in range(part.shape[0]):
        for b in range(part.shape[1]):
            sums[a, b] += ratio * part[a, b]
            squares[a, b] += (ratio * part[a, b]) ** 2


@njit(cache=True, nogil=True)
def judge_shapes(kind, table, others, sample, limits, nearest):
    """Where a sample among given others would begin to be rejected, judged from one place: the least of all rounds."""
    n = others.shape[1] + 1
    x, keep, residuals = np.empty(n), np.empty(n, np.bool_), np.empty(n)
    for i in range(others.shape[0]):
        p = insert(others[i], sample, x)
        found = np.inf
        if kind in (RANKS, SCORES):
            keep[:] = True
            left = n
            while left > 4:
                d = fit_line(x, keep, left, table, residuals)
                found = min(found, sample + limits[1] * d - residuals[p])
                gone = 0
                for k in range(n):
                    if keep[k] and k != p and (residuals[k] > limits[1] * d or -residuals[k] > limits[0] * d):
                        keep[k] = False
                        gone += 1
                if gone == 0:
                    break
                left -= gone
        else:
            first, last = 0, n
            while last - first > 3:
                center, s = center_scatter(kind, x, first, last, 0.0)
                found = min(found, center + limits[1] * s)
                start, end = first, last
                while start < p and center - x[start] > limits[0] * s:
                    start += 1
                while end > p + 1 and x[end - 1] - center > limits[1] * s:
                    end -= 1
                if start == first and end == last:
                    break
                first, last = start, end
        nearest[i] = found


@njit(cache=True, nogil=True)
def density_of_clusters(others, share, scales, ratios):
    """How much likelier than normal samples these are where each joins a cluster around one of them with a chance.

    The one is a normal sample itself; each other one is, with the chance ``share``, as near to it as one of ``scales``,
    else normal. Averaged over the scales and over which sample is the one, as nobody knows.
    """
    n = others.shape[1]
    for i in range(others.shape[0]):
        x, total = others[i], 0.0
        for s in scales:
            for one in range(n):
                product = 1.0
                for k in range(n):
                    if k != one:
                        apart = (x[k] - x[one]) / s
                        product *= 1.0 - share + share / s * math.exp(0.5 * (x[k] * x[k] - apart * apart))
                total += product
        ratios[i] = total / (n * scales.size)


@njit(cache=True, nogil=True)
def count_rejected(kind, columns, limits, table, floor, least):
    """Samples rejected low and high in all sorted columns, and columns that lost any."""
    n = columns.shape[1]
    keep, residuals = np.empty(n, np.bool_), np.empty(n)
    low, high, touched = 0, 0, 0
    for i in range(columns.shape[0]):
        n_low, n_high = keep_column(kind, columns[i], limits, table, floor, least, keep, residuals)
        low += n_low
        high += n_high
        touched += n_low + n_high > 0
    return low, high, touched


@njit(cache=True, nogil=True)
def count_found(kind, clean, outliers, limits, table):
    """How many of the outliers (columns, m), put among sorted clean samples (columns, n - m), are rejected high."""
    n, m = clean.shape[1] + outliers.shape[1], outliers.shape[1]
    x, keep, residuals = np.empty(n), np.empty(n, np.bool_), np.empty(n)
    found = np.zeros(m, np.int64)
    for i in range(clean.shape[0]):
        x[: n - m] = clean[i]
        x[n - m :] = outliers[i]
        x.sort()
        keep_column(kind, x, limits, table, 0.0, (0.0, 0.0), keep, residuals)
        for j in range(m):
            place = np.searchsorted(x, outliers[i, j])
            found[j] += not keep[place] and x[place] > x[n // 2]
    return found


@njit(cache=True, nogil=True)
def survivors(kind, sorted_columns, limits, table):
    """Which samples of sorted columns survive."""
    kept = np.ones(sorted_columns.shape, np.bool_)
    residuals = np.empty(sorted_columns.shape[1])
    for i in range(sorted_columns.shape[0]):
        keep_column(kind, sorted_columns[i], limits, table, 0.0, (0.0, 0.0), kept[i], residuals)
    return kept


@njit(cache=True, nogil=True)
def dequantize_all(sorted_columns):
    """Add a number from -1/2 to 1/2 step to each sample, that depends on its column's samples alone; sort again."""
    total = np.empty(1)
    bits = total.view(np.uint64)
    for i in range(sorted_columns.shape[0]):
        x = sorted_columns[i]
        seed = np.uint64(0)
        for k in range(x.size):
            total[0] = x[k]
            seed = (seed ^ bits[0]) * np.uint64(0x94D049BB133111EB)
            seed ^= seed >> np.uint64(29)
        for k in range(x.size):
            z = seed + np.uint64(k + 1) * np.uint64(0x9E3779B97F4A7C15)
            z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
            z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
            z = z ^ (z >> np.uint64(31))
            x[k] += np.float64(z >> np.uint64(11)) * 2.0**-53 - 0.5
        x.sort()
