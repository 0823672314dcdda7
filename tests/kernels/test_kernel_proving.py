"""What float32 proves about 16-bit columns is what float64 decides."""

from __future__ import annotations

import numpy as np
import pytest

from evenfield.combine import BandTerms, CombineRecipe, combine_band
from evenfield.model.pixels import Encoding
from evenfield.model.rejections import rejection
from evenfield.testing import combine_reference

CLOSE = 1e-9
ENCODINGS = [
    Encoding(dtype="int16", swapped=True, bzero=32768.0),
    Encoding(dtype="int16", swapped=False, bzero=32768.0),
]


def terms_of(n: int, pixels: int, *, is_flat: bool) -> BandTerms:
    """Dark frames as they are, or flats with a master and scales."""
    generator = np.random.default_rng(n)
    return BandTerms(
        shifts=np.zeros(n),
        scales=generator.uniform(0.9, 1.1, n) if is_flat else np.ones(n),
        subtract=generator.normal(500, 2, (1, pixels)).astype(np.float32) if is_flat else None,
        which=np.full(n, 0 if is_flat else -1, np.int64),
    )


@pytest.mark.parametrize("text", ["sigma:2,2", "sigma:3,2.5", "winsorized:3,3", "winsorized:2,4"])
@pytest.mark.parametrize("n", [3, 4, 5, 8, 30, 77])
@pytest.mark.parametrize("is_flat", [True, False], ids=["flats", "darks"])
@pytest.mark.parametrize("encoding", ENCODINGS, ids=["swapped", "native"])
def test_integer_columns_are_decided_as_in_float64(text: str, n: int, is_flat: bool, encoding: Encoding) -> None:
    """Noise of any size, ties, outliers in the first frame too: the twin's decisions and its values."""
    pixels = 400
    generator = np.random.default_rng(n + 1000 * is_flat)
    spread = generator.choice([0.0, 0.4, 2.0, 170.0], pixels)
    values = np.rint(
        generator.normal(30000.0 if is_flat else 500.0, 1.0, pixels) + spread * generator.normal(size=(n, pixels))
    )
    hit = generator.random(values.shape) < 0.02
    values[hit] += generator.choice([-400.0, 30.0, 5000.0], int(hit.sum()))
    values = values.clip(0, 65535)
    stored = (values - encoding.bzero).astype(np.int16)
    terms = terms_of(n, pixels, is_flat=is_flat)
    recipe = CombineRecipe(rejection=rejection(text), step=1.0, limits="nominal")
    raw = stored.byteswap() if encoding.swapped else stored
    found = combine_band(raw, encoding=encoding, terms=terms, recipe=recipe)
    dark = 0.0 if terms.subtract is None else terms.subtract[0].astype(np.float64)
    twin = combine_reference((values - dark) * terms.scales[:, None], reject=text, step=1.0, limits="nominal")
    clear = twin.margin > CLOSE
    assert clear.mean() > 0.99
    for name in ("count", "rejected_low", "rejected_high"):
        np.testing.assert_array_equal(getattr(found, name)[clear], getattr(twin, name)[clear], err_msg=name)
    # Deviations are float32 numbers of up to 3000 ADU here, each wrong by up to 4e-4 ADU.
    np.testing.assert_allclose(found.value[clear], twin.value[clear], rtol=2e-7, atol=4e-4)
    np.testing.assert_allclose(found.noise[clear], twin.noise[clear], rtol=1e-5, atol=4e-4)


def test_a_master_without_a_pixel_takes_only_its_column_out() -> None:
    """Where the master is NaN the column has no value; its neighbors keep every bit."""
    generator = np.random.default_rng(5)
    values = np.rint(generator.normal(30000, 170, (12, 500)))
    raw = (values - 32768).astype(np.int16).byteswap()
    terms = terms_of(12, 500, is_flat=True)
    recipe = CombineRecipe(rejection=rejection("winsorized:3,3"), step=1.0, limits="nominal")
    whole = combine_band(raw, encoding=ENCODINGS[0], terms=terms, recipe=recipe)
    assert terms.subtract is not None
    terms.subtract[0, 250] = np.nan
    holed = combine_band(raw, encoding=ENCODINGS[0], terms=terms, recipe=recipe)
    assert np.isnan(holed.value[250])
    assert holed.count[250] == 0
    others = np.arange(500) != 250
    np.testing.assert_array_equal(holed.value[others], whole.value[others])
    np.testing.assert_array_equal(holed.noise[others], whole.noise[others])
