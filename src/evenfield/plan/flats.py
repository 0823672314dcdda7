"""Groups of flats to drafts of master flats: what each is called, and what calibrates it."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence

import msgspec

from evenfield.errors import PlanError
from evenfield.model.findings import Finding
from evenfield.model.groups import FrameGroup
from evenfield.model.settings import Settings
from evenfield.plan.calibrating import GroupCalibration, calibrate_group, use_findings
from evenfield.plan.instead import Patterns, flats_instead
from evenfield.plan.names import product_names
from evenfield.plan.steps import Draft
from evenfield.plan.wanted import UNCALIBRATED, StepNames, asked_sets, flat_aliases, new_names


def draft_flats(
    groups: Sequence[FrameGroup],
    *,
    sets: Sequence[FrameGroup],
    settings: Settings,
    single_name: str | None,
    patterns: Patterns,
) -> list[Draft]:
    """The drafts of all groups, in their order; those that --without names are among them.

    Raises
    ------
    PlanError
        If ``single_name`` is given for several masters.
    """
    plain_names = product_names(groups, template=settings.output.name)
    plain = StepNames.of((name, flat_aliases(name)) for name in plain_names)
    new = new_names(plain, settings=settings)
    names = StepNames.of([*((one, flat_aliases(one)) for one in plain_names), *((one, (new[one],)) for one in new)])
    asked = names.by_id(settings.calibration.use)
    found = [
        _calibration(group, name, asked.get(name), sets, settings, patterns)
        for group, name in zip(groups, plain_names, strict=True)
    ]
    # Only where nothing fitted; who asked for no calibration knows it.
    auto = settings.calibration.mode == "auto"
    marks = [
        UNCALIBRATED if auto and one.how == "none" and (one.refused is None or name not in asked) else ""
        for name, one in zip(plain_names, found, strict=True)
    ]
    usual = product_names(groups, template=settings.output.name, extra=marks)
    final = list(usual)
    if single_name is not None:
        without = {names.id_of(name) for name in settings.select.without}
        wanted = [index for index, name in enumerate(plain_names) if name not in without]
        if len(wanted) > 1:
            raise PlanError(
                f"'{single_name}' names one file, but {len(wanted)} master flats would be made: "
                f"{', '.join(plain_names[index] for index in wanted[:4])}{' ...' if len(wanted) > 4 else ''}.",
                mend="Give a folder with -o, or join the groups with --join or --no-grouping.",
                code="usage",
            )
        for index in wanted:
            final[index] = os.path.splitext(single_name)[0] + marks[index]
    return [
        Draft(
            group=group,
            name=(name := new.get(before, given)),
            aliases=(*flat_aliases(before), template, given),
            calibration=_renamed(one, before, name),
        )
        for group, before, template, given, one in zip(groups, plain_names, usual, final, found, strict=True)
    ]


def _calibration(
    group: FrameGroup,
    name: str,
    asked: str | None,
    sets: Sequence[FrameGroup],
    settings: Settings,
    patterns: Patterns,
) -> GroupCalibration:
    chosen = settings.calibration
    picked = () if asked is None else asked_sets(sets, text=asked)
    found = calibrate_group(group, sets=sets, settings=chosen, name=name, strict=settings.run.strict, asked=picked)
    instead = flats_instead(found, group, sets=sets, settings=chosen, name=name, patterns=patterns)
    told = use_findings(asked, picked, name=name, settings=chosen)
    return dataclasses.replace(found, findings=(*found.findings, *told), instead=instead)


def _renamed(one: GroupCalibration, plain: str, name: str) -> GroupCalibration:
    """The same calibration whose findings speak of the product by its final name."""

    def named(told: Finding) -> Finding:
        return msgspec.structs.replace(told, subject=name, message=told.message.replace(plain, name, 1))

    refused = None if one.refused is None else named(one.refused)
    return dataclasses.replace(one, findings=tuple(map(named, one.findings)), refused=refused)
