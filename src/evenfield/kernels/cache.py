"""Where compiled kernels are kept.

The folder's name holds a hash of all that decides what the machine code is: the sources of this package, numba's
version and this processor.
"""

from __future__ import annotations

import atexit
import functools
import hashlib
import importlib.util
import os
import shutil
import tempfile
from pathlib import Path
from typing import Final

CACHE_VARIABLE: Final = "EVENFIELD_KERNEL_CACHE"
"""Environment variable: the folder in which the kernel folders are made, instead of the user's cache."""


@functools.cache
def cache_folder() -> Path:
    """The folder of compiled kernels, made if it is missing; a private temporary one where nothing can be written."""
    wanted = _wanted_folder()
    try:
        wanted.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=wanted).close()
    except OSError:
        # Compiled code is trusted, so a folder that others could have filled is no choice.
        private = Path(tempfile.mkdtemp(prefix="evenfield-kernels-"))
        atexit.register(shutil.rmtree, private, ignore_errors=True)
        return private
    return wanted


def cache_is_shared() -> bool:
    """Whether the cache folder is one that other processes use as well."""
    return cache_folder() == _wanted_folder()


def compiled_file(module: str, name: str) -> Path:
    """The file that holds the compiled function ``name`` of a kernel's module, or will.

    One that is there is used also where nothing can be written: a machine may have been set up by somebody else.
    """
    there = _wanted_folder() / f"{module}.{name}.kernel"
    return there if there.exists() else cache_folder() / there.name


def is_compiled(module: str, name: str) -> bool:
    """Whether a kernel's function was compiled before, by this version on this processor."""
    return (_wanted_folder() / f"{module}.{name}.kernel").exists()


def _wanted_folder() -> Path:
    parent = os.environ.get(CACHE_VARIABLE)
    if parent:
        return Path(parent) / _folder_name()
    import platformdirs

    return platformdirs.user_cache_path("evenfield") / _folder_name()


@functools.cache
def _folder_name() -> str:
    import llvmlite.binding as llvm

    processor = f"{llvm.get_process_triple()} {llvm.get_host_cpu_name()} {llvm.get_host_cpu_features().flatten()}"
    processor += f" {llvm.llvm_version_info}"
    digest = hashlib.sha256(processor.encode())
    # What holds numba's version number, found without importing numba or searching through all packages' metadata.
    numba = importlib.util.find_spec("numba")
    if numba is not None and numba.origin is not None:
        digest.update(Path(numba.origin).with_name("_version.py").read_bytes())
    for source in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(source.name.encode())
        digest.update(source.read_bytes())
    return f"kernels-{digest.hexdigest()[:16]}"
