"""Writing a product in the form that the program it is for expects."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Literal

import numpy as np

from evenfield.model.pixels import Image
from evenfield.model.plan import LightRecipe, Recipe
from evenfield.model.targets import TARGETS
from evenfield.run.cards import Card
from evenfield.write import write_image


def write_product(
    path: str,
    *,
    image: Image,
    cards: Sequence[Card],
    history: Sequence[str],
    recipe: Recipe | LightRecipe,
    overwrite: bool,
) -> str:
    """Write a product in the form that its recipe asks for; returns its absolute path.

    Raises
    ------
    OutputExistsError, WriteError
    """
    form = TARGETS[recipe.target]
    if form.suffix == ".xisf":
        from evenfield.write.xisf_file import write_xisf

        return write_xisf(
            path,
            image=image,
            cards=cards,
            history=history,
            sample="uint16" if recipe.sample == "uint16" else "float32",
            scale=form.scale,
            codec="zlib" if recipe.compress else "",
            overwrite=overwrite,
        )
    if form.scale != 1.0:
        image = dataclasses.replace(image, pixels=image.pixels / np.float32(form.scale))
    sample: Literal["uint16", "float32"] = "uint16" if recipe.sample == "uint16" else "float32"
    if recipe.compress:
        from evenfield.write.packed_file import write_packed

        return write_packed(path, image=image, cards=cards, history=history, sample=sample, overwrite=overwrite)
    return write_image(path, image=image, cards=cards, history=history, sample=sample, overwrite=overwrite)
