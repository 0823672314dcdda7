"""Photon transfer in sentences: the header's e-/ADU, and flats that bend."""

from __future__ import annotations

import pytest

from evenfield.examine.camera_findings import header_egain, transfer_findings
from evenfield.examine.transfer_values import Measured, PhotonTransfer, PlaneTransfer


def found(egain: float, error: float, *, bend: Measured | None = None, step: float = 1.0) -> PhotonTransfer:
    plane = PlaneTransfer(
        color="", egain_e_per_adu=Measured(value=egain, error=error), read_noise_adu=None, read_noise_e=None,
        pedestal_adu=500.0, level_adu=20000.0, lowest_adu=15000.0, highest_adu=25000.0, saturation_adu=None,
        curvature=bend, scatter=1.0, points=(),
    )  # fmt: skip
    return PhotonTransfer(planes=(plane,), step_adu=step, n_flats=10, n_darks=10)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("2.06", 2.06), (1.94, 1.94), ("High", None), (None, None), ("0", None), (-1.0, None), ("nan", None), ("", None)],
)
def test_only_a_positive_number_is_an_egain(text: str | float | None, expected: float | None) -> None:
    """Words, zeros and absent values in the header are unknown."""
    assert header_egain(text) == expected


@pytest.mark.parametrize(
    ("egain", "error", "header", "codes"),
    [
        (1.93, 0.001, 2.06, ["egain_disagrees"]),
        (1.93, 0.001, 1.98, []),
        (1.93, 0.08, 2.06, []),
        (1.93, 0.001, "High", []),
        (1.93, 0.001, None, []),
    ],
)
def test_header_disagrees_beyond_errors_and_5_percent(
    egain: float, error: float, header: str | float | None, codes: list[str]
) -> None:
    """A header is doubted only where it is off by more than 5 % and by more than the errors."""
    made = transfer_findings(found(egain, error), name="flats", egain=header)
    assert [one.code for one in made] == codes
    assert all("1.93" in one.message and "2.06" in one.message for one in made)


def test_header_of_converter_steps_is_recognized() -> None:
    """A header that counts a 12-bit converter's own steps is named as such."""
    made = transfer_findings(found(0.0625, 0.0001, step=16.0), name="flats", egain=1.0)
    assert "which are 16 ADU" in made[0].message


@pytest.mark.parametrize(
    ("bend", "codes"),
    [
        (Measured(value=-0.06, error=0.01), ["not_linear"]),
        (Measured(value=-0.06, error=0.03), []),
        (Measured(value=-0.01, error=0.001), []),
        (None, []),
    ],
)
def test_bend_counts_beyond_errors_and_3_percent(bend: Measured | None, codes: list[str]) -> None:
    """A bent curve is reported where it is large and no chance; its message says what the flats may be wrong by."""
    made = transfer_findings(found(1.0, 0.001, bend=bend), name="flats")
    assert [one.code for one in made] == codes
    assert all("by 2.0 %" in one.message and "below" in one.message for one in made)
