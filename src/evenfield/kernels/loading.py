"""Compiled kernels as callables: what lies in the cache folder is loaded by LLVM alone, without numba."""

from __future__ import annotations

import contextlib
import ctypes
import functools
import importlib
import os
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

from evenfield.kernels.cache import cache_folder, compiled_file
from evenfield.kernels.layout import Layout, Slots, slots_of

_LOCK = threading.Lock()

_ENTRY: Final = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p)
"""Called without the interpreter's lock."""


class Compiled(NamedTuple):
    """An object file with the name of its entry and of what it calls (`evenfield.kernels.compiling.compile_entry`)."""

    name: str
    needed: tuple[str, ...]
    code: bytes


class NativeFunction:
    """A compiled function of values with the given layouts."""

    def __init__(self, address: int, layouts: Sequence[Layout]) -> None:
        self._entry = _ENTRY(address)
        self._layouts = tuple(layouts)

    def __call__(self, *values: Any) -> int:
        """Call it; releases the interpreter's lock.

        Raises
        ------
        TypeError
            If a value is not of its layout.
        """
        return self.call(slots_of(values, self._layouts))

    def call(self, slots: Slots) -> int:
        """Call it with `slots_of` values of its layouts, which must be alive."""
        result = np.zeros(2, np.int64)
        place = result.ctypes.data
        status = self._entry(place, place + 8, slots.ctypes.data)
        if status != 0:
            raise SystemError(f"A kernel ended with status {status}.")
        return int(result[0])


def native_function(
    module: str, name: str, layouts: Sequence[Layout], *, compile_it: Callable[[], Compiled]
) -> NativeFunction:
    """The function ``name`` of a kernel's module: loaded from the cache folder, or compiled and put there."""
    with _LOCK:
        path = compiled_file(module, name)
        found = _read(path)
        if found is None:
            found = compile_it()
            _write(path, found)
        return NativeFunction(address_of(found), layouts)


def address_of(compiled: Compiled) -> int:
    """Where the entry of a compiled function lies, once LLVM has loaded it; it stays there as long as the process."""
    import llvmlite.binding as llvm

    # LLVM sees the functions of the process from the first engine on.
    engine = _engine()
    if sys.platform == "win32" or any(llvm.address_of_symbol(name) is None for name in compiled.needed):
        # What neither the process nor LLVM has, numba brings.
        importlib.import_module("numba.core.registry").cpu_target.target_context  # noqa: B018
    engine.add_object_file(llvm.ObjectFileRef.from_data(compiled.code))
    engine.finalize_object()
    address = engine.get_function_address(compiled.name)
    if not address:
        raise SystemError(f"There is no {compiled.name} in its object file.")
    return int(address)


@functools.cache
def _engine() -> Any:
    """One engine for all kernels; it lives as long as the process."""
    import llvmlite.binding as llvm

    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    target = llvm.Target.from_triple(llvm.get_process_triple())
    machine = target.create_target_machine(codemodel="jitdefault")
    return llvm.create_mcjit_compiler(llvm.parse_assembly(""), machine)


# A file in the cache folder: a line with a hash of what follows, one with the entry's name, one with those of needed
# functions, then the object file.


def _write(path: Path, compiled: Compiled) -> None:
    """Put a compiled function into the cache folder; where that fails, the next process compiles it again."""
    content = b"\n".join([compiled.name.encode(), " ".join(compiled.needed).encode(), compiled.code])
    with contextlib.suppress(OSError):
        descriptor, partial = tempfile.mkstemp(dir=cache_folder(), suffix=".partial")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(_hash(content) + b"\n" + content)
            # Other users of this machine may share the folder.
            os.chmod(partial, 0o644)
            os.replace(partial, path)
        except OSError:
            os.unlink(partial)
            raise


def _read(path: Path) -> Compiled | None:
    """What was put there; ``None`` if there is none, or if it is damaged."""
    try:
        hashed, content = path.read_bytes().split(b"\n", 1)
    except (OSError, ValueError):
        return None
    if hashed != _hash(content):
        return None
    name, needed, code = content.split(b"\n", 2)
    return Compiled(name.decode(), tuple(needed.decode().split()), code)


def _hash(content: bytes) -> bytes:
    import xxhash

    return xxhash.xxh3_128_hexdigest(content).encode()
