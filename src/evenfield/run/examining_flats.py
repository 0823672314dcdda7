"""The flats that lights could have instead: which fits them best, by what the pixels say."""

from __future__ import annotations

import contextlib
import dataclasses

from evenfield.errors import EvenfieldError
from evenfield.examine.best_flat import better_flat_finding, rank_flats
from evenfield.examine.relief import Relief, flat_relief
from evenfield.model.findings import Finding
from evenfield.model.pixels import Tile
from evenfield.model.plan import LightStep, RunnerUp
from evenfield.run.frames import master_source
from evenfield.run.job import Job, ended_well


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class OtherFlats:
    """What a comparison of flats says."""

    findings: tuple[Finding, ...] = ()
    measured: dict[str, float | None] = dataclasses.field(default_factory=dict)


def other_flats(step: LightStep, chosen: Relief, light: Relief, job: Job, *, cfa: str | None) -> OtherFlats:
    """Compare the flat of some lights with those that came next and are there.

    Parameters
    ----------
    step : LightStep
        With its flat and the runners-up.
    chosen, light : Relief
        Of the flat that is used, and of the lights.
    job : Job
    cfa : str or None
        The color pattern.
    """
    if step.flat is None or step.flat_match is None:
        return OtherFlats()
    titles, reliefs = [step.flat.title], [chosen]
    fixes: list[tuple[str, ...] | None] = [None]
    for one in step.flat_match.runners_up:
        relief = _relief(one, step, job, light, cfa)
        if relief is not None:
            titles.append(one.title)
            reliefs.append(relief)
            fixes.append(one.fix)
    if len(reliefs) < 2:
        return OtherFlats()
    fits = rank_flats(reliefs, light=light)
    told = better_flat_finding(fits, titles=titles, chosen=0, name=step.id, fix=fixes[fits[0].place])
    used = next(fit for fit in fits if fit.place == 0)
    measured: dict[str, float | None] = {
        "flats_compared": float(len(reliefs)),
        "flat_fits_worse_by_scatters": used.scatters,
    }
    return OtherFlats(findings=() if told is None else (told,), measured=measured)


def _relief(one: RunnerUp, step: LightStep, job: Job, light: Relief, cfa: str | None) -> Relief | None:
    """The relief of a runner-up; ``None`` where it is not there, or of another size."""
    ref = one.master
    if ref is None or (ref.step is not None and not ended_well(job.results.get(ref.step))):
        return None
    with contextlib.ExitStack() as stack:
        try:
            source, _ = master_source("flat", ref, step.trim, job, stack)
            if source.shape != light.shape:
                return None
            return flat_relief(source.read(Tile(start=0, stop=light.shape[0])), cfa=cfa, cell_px=light.cell_px)
        except EvenfieldError:
            return None
