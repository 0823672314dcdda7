"""Frames as cells: the sky between the stars, with honest errors, for all mosaics."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from sky_scenes import XTRANS, SkyScene, cells_of_frames, drawn_cells, flat_frame, light_frame

from evenfield.errors import UsageError
from evenfield.examine.cells import cell_grid, cell_sums
from evenfield.examine.sky import cells_of_flat, cells_of_light, star_mask

SHAPE = (900, 1200)
MOSAICS = [None, "RGGB", XTRANS]


@pytest.mark.parametrize("cfa", MOSAICS)
def test_sums_are_those_of_each_place_of_each_cell(cfa: str | None) -> None:
    """The sums over cells are those of plain loops, for each place of the mosaic's period."""
    grid = cell_grid((130, 165), cfa=cfa, block=24)
    image = np.random.default_rng(1).normal(0.0, 1.0, (130, 165)).astype(np.float32)
    inner = image[grid.top : grid.top + grid.rows * 24, grid.left : grid.left + grid.columns * 24]
    sums = cell_sums(np.ascontiguousarray(inner), grid=grid)
    for i, j, y, x in np.ndindex(sums.shape):
        cell = inner[24 * i : 24 * i + 24, 24 * j : 24 * j + 24].astype(np.float64)
        assert sums[i, j, y, x] == pytest.approx(cell[y :: grid.period, x :: grid.period].sum(), abs=1e-4)


@pytest.mark.parametrize("cfa", MOSAICS)
def test_grid_begins_at_a_period_of_the_mosaic(cfa: str | None) -> None:
    """Cells begin and end where the mosaic does, lie inside the frame, and leave less than a cell at the edges."""
    for shape in ((2448, 3264), (1001, 1503), (4176, 6248)):
        grid = cell_grid(shape, cfa=cfa)
        assert grid.top % grid.period == grid.left % grid.period == grid.block % grid.period == 0
        assert 0 <= shape[0] - grid.top - grid.rows * grid.block < grid.block
        assert 0 <= shape[1] - grid.left - grid.columns * grid.block < grid.block
    with pytest.raises(UsageError, match="no CFA pattern"):
        cell_grid((100, 100), cfa="RGB")
    with pytest.raises(UsageError, match="4 x 4 cells"):
        cell_grid((30, 100))


@pytest.mark.parametrize("cfa", MOSAICS)
def test_errors_are_those_of_photons_and_read_noise(cfa: str | None) -> None:
    """The error of a cell is what photon, read and dark noise make of it within 3 %, and neighbors scatter so."""
    scene = SkyScene(shape=SHAPE, cfa=cfa, stars=60, motes=0)
    rng = np.random.default_rng(5)
    lights, _ = cells_of_frames(scene, rng)
    expected, _ = drawn_cells(scene, rng)
    for cells, drawn in zip(lights[0], expected[0], strict=True):
        known = np.isfinite(cells.error)
        assert np.median(cells.error[known] / drawn.error[known]) == pytest.approx(1.0, abs=0.03)
        apart = np.diff(cells.value, axis=1) / np.hypot(cells.error[:, 1:], cells.error[:, :-1])
        apart = apart[np.isfinite(apart)]
        # The scatter of n differences of neighbors is known to about 1.2/sqrt(2 n).
        assert 1.4826 * np.median(np.abs(apart)) == pytest.approx(1.0, abs=5.0 / apart.size**0.5)


@pytest.mark.parametrize("cfa", MOSAICS)
def test_stars_leave_no_light_in_the_sky(cfa: str | None) -> None:
    """With 300 stars, the mean sky is within 0.1 % of that without; unmasked they would add 2 % and more."""
    scene = SkyScene(shape=SHAPE, cfa=cfa, stars=300, star_e=15000.0, motes=0)
    starry, _ = cells_of_frames(scene, np.random.default_rng(5))
    empty, _ = cells_of_frames(dataclasses.replace(scene, stars=0), np.random.default_rng(5))
    raw = (
        light_frame(scene, np.random.default_rng(5)),
        light_frame(dataclasses.replace(scene, stars=0), np.random.default_rng(5)),
    )
    assert raw[0].mean() > 1.02 * raw[1].mean()
    for with_stars, without in zip(starry[0], empty[0], strict=True):
        known = np.isfinite(with_stars.value) & np.isfinite(without.value)
        ratio = with_stars.value[known].mean() / without.value[known].mean()
        noise = float(np.mean(without.error[known] / without.value[known])) / known.sum() ** 0.5
        assert abs(ratio - 1.0) < 0.001 + 4.0 * noise


def test_masked_limits_do_not_follow_vignetting() -> None:
    """Fainter stars are not lost in dark corners: the masked share in the corners is that of the center."""
    scene = SkyScene(shape=(1200, 1600), stars=2500, loss=0.6, motes=0)
    rng = np.random.default_rng(8)
    flat, _ = flat_frame(scene, rng)
    mask = star_mask(light_frame(scene, rng) / flat * flat.mean())
    rim = np.ones(scene.shape, np.bool_)
    rim[300:-300, 400:-400] = False
    inner, outer = mask[~rim].mean(), mask[rim].mean()
    # 2500 stars fall on the two parts as they like.
    assert abs(inner - outer) < 4.0 * inner * (2.0 / (0.25 * 2500)) ** 0.5
    assert 0.02 < inner < 0.3


def test_bad_pixels_and_nan_take_no_part() -> None:
    """NaN, bad pixels and a broken flat change no cell, and cells that hold mostly such pixels are dropped."""
    scene = SkyScene(shape=SHAPE, stars=0, motes=0)
    rng = np.random.default_rng(2)
    flat, noise = flat_frame(scene, rng)
    light = light_frame(scene, rng)
    plain = cells_of_light(light, flat=flat)[0]
    spoiled, broken, bad = light.copy(), flat.copy(), np.zeros(SHAPE, np.bool_)
    spoiled[::7, ::5] = np.nan
    bad[3::11, 2::13] = True
    spoiled[bad] = 30000.0
    broken[5::17, 1::19] = 0.0
    spoiled[:100, :100] = np.nan
    cells = cells_of_light(spoiled, flat=broken, bad=bad)[0]
    assert np.isnan(cells.value[:6, :6]).all()
    known = np.isfinite(cells.value)
    assert known.mean() > 0.95
    apart = (cells.value / plain.value - 1.0)[known] * plain.value[known] / plain.error[known]
    assert np.abs(apart).mean() < 0.5
    flats = cells_of_flat(flat, noise=noise)[0]
    assert not flats.error_is_limit
    assert cells_of_flat(flat)[0].error_is_limit
    assert np.nanmedian(flats.error) < np.nanmedian(cells_of_flat(flat)[0].error)


def test_bands_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A frame taken in narrow bands gives the cells of a frame taken at once."""
    scene = SkyScene(shape=SHAPE, cfa="RGGB", stars=300)
    rng = np.random.default_rng(3)
    light = light_frame(scene, rng)
    at_once = cells_of_light(light, cfa="RGGB")
    monkeypatch.setattr("evenfield.examine.sky.BAND_PIXELS", 1200 * 60)
    for one, other in zip(at_once, cells_of_light(light, cfa="RGGB"), strict=True):
        np.testing.assert_allclose(one.value, other.value, rtol=1e-5)


def test_frames_of_other_shapes_are_refused() -> None:
    """A flat of another shape is an error that says so."""
    with pytest.raises(UsageError, match="cannot be compared"):
        cells_of_light(np.ones((200, 200), np.float32), flat=np.ones((200, 201), np.float32))
