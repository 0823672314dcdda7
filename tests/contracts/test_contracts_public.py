"""Promises about the public names."""

from __future__ import annotations

import ast
import enum
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


def public_objects() -> list[tuple[str, Any]]:
    """Every public class and function by its full name."""
    found = [
        (f"{package.__name__}.{name}", getattr(package, name))
        for package in PUBLIC_PACKAGES
        for name in package.__all__
        if name != "__version__"
    ]
    found += [
        (f"evenfield.errors.{name}", one)
        for name, one in vars(evenfield.errors).items()
        if inspect.isclass(one) and one.__module__ == "evenfield.errors"
    ]
    return found


def public_functions() -> list[tuple[str, Any]]:
    """Every public function by its full name."""
    return [(name, one) for name, one in public_objects() if isinstance(one, types.FunctionType)]


def module_names() -> set[str]:
    """The last part of the name of every module and package."""
    return {info.name.rpartition(".")[2] for info in pkgutil.walk_packages(evenfield.__path__, "evenfield.")}


def named(cases: list[tuple[str, Any]]) -> Any:
    """Parametrize a test over named objects."""
    return pytest.mark.parametrize("one", [one for _, one in cases], ids=[name for name, _ in cases])


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


@named(public_objects())
def test_public_names_are_documented(one: Any) -> None:
    """Every public name has a docstring of its own."""
    if isinstance(one, enum.EnumType):
        assert one.__doc__ != enum.Enum.__doc__
    assert one.__doc__
    assert one.__doc__.strip()


@named(public_functions())
def test_no_function_shares_its_name_with_a_module(one: Any) -> None:
    """A public function and a module never have one name, so that an import says which is meant."""
    assert one.__name__ not in module_names()


@named(public_functions())
def test_public_functions_have_few_parameters(one: Any) -> None:
    """Public functions take at most six parameters: the first positional, the others by name."""
    parameters = list(inspect.signature(one).parameters.values())
    assert len(parameters) <= 6
    assert [item.name for item in parameters[1:] if item.kind is not inspect.Parameter.KEYWORD_ONLY] == []


def test_every_module_can_be_imported() -> None:
    """No module needs another one to be imported first."""
    for info in pkgutil.walk_packages(evenfield.__path__, "evenfield."):
        importlib.import_module(info.name)
