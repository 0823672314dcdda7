"""Promises about the public names."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import types
from pathlib import Path
from typing import Any

import pytest

import evenfield
import evenfield.errors
import evenfield.simulate
import evenfield.testing

SOURCE = Path(evenfield.__file__).parent

PUBLIC_PACKAGES = (evenfield, evenfield.simulate, evenfield.testing)


def public_names() -> list[str]:
    """Every public name in full; nothing is loaded for it."""
    names = [
        f"{package.__name__}.{name}" for package in PUBLIC_PACKAGES for name in package.__all__ if name != "__version__"
    ]
    errors = [f"evenfield.errors.{name}" for name, one in vars(evenfield.errors).items() if inspect.isclass(one)]
    return names + errors


def load(name: str) -> Any:
    """The object that a full name means."""
    package, _, last = name.rpartition(".")
    return getattr(importlib.import_module(package), last)


def module_names() -> set[str]:
    """The last part of the name of every module and package."""
    return {info.name.rpartition(".")[2] for info in pkgutil.walk_packages(evenfield.__path__, "evenfield.")}


def public_functions() -> list[Any]:
    """Every public function."""
    return [one for one in map(load, public_names()) if isinstance(one, types.FunctionType)]


def test_all_is_the_lazy_table() -> None:
    """Every name in `__all__` has a home, and every home is announced."""
    assert set(evenfield.__all__) == {*evenfield._HOMES, "__version__"}


def test_type_checkers_see_the_lazy_table() -> None:
    """What a type checker imports is what the lazy table would import."""
    tree = ast.parse((SOURCE / "__init__.py").read_text(encoding="utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If))
    seen = {
        alias.name: (node.module or "").removeprefix("evenfield.")
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert seen == evenfield._HOMES


def test_an_unknown_name_is_an_attribute_error() -> None:
    """A name that does not exist is refused as Python does it, with the name."""
    with pytest.raises(AttributeError, match="no_such_name"):
        evenfield.no_such_name  # noqa: B018


def test_dir_lists_the_public_names() -> None:
    """Completion in a shell shows the public names before they are loaded."""
    assert dir(evenfield) == sorted(evenfield.__all__)


@pytest.mark.parametrize("name", public_names())
def test_public_names_are_documented(name: str) -> None:
    """Every public name can be loaded and has a docstring of its own."""
    one = load(name)
    inherited = [base.__doc__ for base in one.__mro__[1:]] if inspect.isclass(one) else []
    assert one.__doc__
    assert one.__doc__.strip()
    assert one.__doc__ not in inherited


def test_no_function_shares_its_name_with_a_module() -> None:
    """A public function and a module never have one name, so that an import says which is meant."""
    assert [one.__qualname__ for one in public_functions() if one.__name__ in module_names()] == []


def test_public_functions_have_few_parameters() -> None:
    """Public functions take at most six parameters: the first positional, the others by name."""
    wrong = []
    for one in public_functions():
        parameters = list(inspect.signature(one).parameters.values())
        loose = [item for item in parameters[1:] if item.kind is not inspect.Parameter.KEYWORD_ONLY]
        if len(parameters) > 6 or loose:
            wrong.append(f"{one.__module__}.{one.__name__}")
    assert wrong == []


def test_every_module_can_be_imported() -> None:
    """No module needs another one to be imported first."""
    for info in pkgutil.walk_packages(evenfield.__path__, "evenfield."):
        importlib.import_module(info.name)
