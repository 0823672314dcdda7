"""How kernels are compiled: numba lives here, and is loaded only where a kernel has to be compiled."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

from evenfield.kernels.layout import ArrayLayout, Layout, TupleLayout

_OPTIONS: Final = {"nogil": True, "error_model": "numpy", "_nrt": False}
# Kernels allocate nothing: without numba's own memory management they compile in two thirds of the time.

Function = TypeVar("Function", bound=Callable[..., Any])


def load_numba() -> Any:
    """The numba module, imported here for the first time; untyped, because only some versions of it have types."""
    return importlib.import_module("numba")


def inner(function: Function) -> Function:
    """Decorate a function that other kernels call: compiled with its caller, for the caller's types.

    It has no entry from Python, which would double what its compiling costs: to call it there ends the process.
    """
    compiled: Function = load_numba().njit(no_cpython_wrapper=True, no_cfunc_wrapper=True, **_OPTIONS)(function)
    return compiled


def part(function: Function) -> Function:
    """Decorate a function that is called from one place: becomes a part of its caller before that is compiled."""
    compiled: Function = load_numba().njit(inline="always", **_OPTIONS)(function)
    return compiled


def compile_entry(
    function: Callable[..., int], layouts: Sequence[Layout], *, name: str
) -> tuple[str, tuple[str, ...], bytes]:
    """Compile a `part` that takes five to seven values of such layouts and returns an integer.

    ``name`` becomes a part of the entry's name, so that no two functions of one process have the same.

    Returns
    -------
    name : str
        What the machine code's entry is called. It takes the places of its result and of an error, then that of the
        `evenfield.kernels.layout.slots_of` its values, and returns 0.
    needed : tuple of str
        The functions that it calls and does not contain.
    code : bytes
        An object file.
    """
    numba = load_numba()
    entry = _ENTRIES[len(layouts)](function, _taker(layouts))
    entry.__name__ = entry.__qualname__ = name
    signature = numba.types.int64(numba.types.voidptr)
    compiled = numba.njit(signature, no_cpython_wrapper=True, no_cfunc_wrapper=True, **_OPTIONS)(entry)
    (result,) = compiled.overloads.values()
    library = result.library
    _, kind, (code, _) = library.serialize_using_object_code()
    if kind != "object":
        raise RuntimeError(f"numba {numba.__version__} gave no object code.")
    needed = tuple(
        one.name for one in library._final_module.functions if one.is_declaration and not one.name.startswith("llvm.")
    )
    return result.fndesc.llvm_func_name, needed, bytes(code)


# numba does not make a part of what is called with *arguments.


def _five(function: Any, take: Any) -> Any:
    def entry(slots: Any) -> Any:
        a, b, c, d, e = take(slots)
        return function(a, b, c, d, e)

    return entry


def _six(function: Any, take: Any) -> Any:
    def entry(slots: Any) -> Any:
        a, b, c, d, e, f = take(slots)
        return function(a, b, c, d, e, f)

    return entry


def _seven(function: Any, take: Any) -> Any:
    def entry(slots: Any) -> Any:
        a, b, c, d, e, f, g = take(slots)
        return function(a, b, c, d, e, f, g)

    return entry


_ENTRIES: Final = {5: _five, 6: _six, 7: _seven}


def _type_of(layout: Layout) -> Any:
    numba = load_numba()
    types = numba.types
    if isinstance(layout, ArrayLayout):
        item = numba.from_dtype(layout.dtype)
        return types.Array(item, layout.dimensions, "C", readonly=not layout.written)
    if isinstance(layout, TupleLayout):
        return types.NamedTuple([_type_of(one) for one in layout.fields], layout.kind)
    return types.int64 if layout == "whole" else types.float64


def _taker(layouts: Sequence[Layout]) -> Any:
    """What makes values of slots, in compiled code: they lie there as numba lays them out."""
    numba = load_numba()
    types, extending = numba.types, importlib.import_module("numba.extending")
    values = types.Tuple([_type_of(one) for one in layouts])

    @extending.intrinsic
    def take(_typing: Any, _slots: Any) -> Any:
        def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
            place = builder.bitcast(arguments[0], context.get_data_type(values).as_pointer())
            return context.data_model_manager[values].load_from_data_pointer(builder, place)

        return values(types.voidptr), generate

    return take
