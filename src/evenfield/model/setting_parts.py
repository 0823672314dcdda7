"""What parts of the settings are made of, and the parts that change no pixel."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from evenfield.errors import SettingsError
from evenfield.model.verdict_limits import verdict_limits


def doc(text: str, option: str, **limits: Any) -> Meta:
    """What a setting does, the option that sets it, and its range."""
    return Meta(description=text, extra={"option": option}, **limits)


class Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of the parts of `Settings`."""


class ExamineSettings(Part, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How frames are examined; never changes a pixel."""

    after: Annotated[
        bool,
        doc(
            "Examine the frames and masters after they are made: do the frames of each set agree, will the flats work.",
            "--examine",
        ),
    ] = True
    lights: Annotated[
        Annotated[int, Meta(ge=0, le=1000)] | None,
        doc(
            "So many lights of each set are examined with their flat, spread over the night. Unset: 2 after "
            "other work, 10 by evenfield examine.",
            "--examine-lights",
        ),
    ] = None
    limits: Annotated[
        tuple[str, ...],
        doc("Limits that verdicts are given by, NAME:NUMBER; docs/verdicts.md lists them.", "--verdict-limit"),
    ] = ()

    def __post_init__(self) -> None:
        """Refuse limits that there are none of."""
        try:
            verdict_limits(self.limits)
        except ValueError as error:
            raise SettingsError(f"--verdict-limit: {error}", mend="See docs/verdicts.md.") from None


class RunSettings(Part, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the work is done; never changes a pixel."""

    memory_bytes: Annotated[
        Annotated[int, Meta(ge=1)] | None,
        doc("Memory budget in bytes. Unset: a quarter of the machine's.", "--memory"),
    ] = None
    threads: Annotated[
        Annotated[int, Meta(ge=1, le=1024)] | None, doc("Worker threads. Unset: one a core.", "--threads")
    ] = None
    strict: Annotated[
        bool,
        doc("Refuse instead of warn: an uncalibrated flat, a frame that fails while its pixels are read.", "--strict"),
    ] = False
    fresh: Annotated[bool, doc("Make products again that are there already.", "--fresh")] = False
