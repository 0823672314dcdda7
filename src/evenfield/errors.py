"""Every error that evenfield raises on purpose.

::

    EvenfieldError
    ├── UsageError            the request contradicts itself or cannot be understood
    │   └── SettingsError     a setting has a value that it may not have
    ├── ReadError             a file or folder cannot be used as input
    │   ├── NotAnImageError   the file is no image of a kind that evenfield reads
    │   ├── DamagedFileError  the file is cut short, empty or breaks its format
    │   └── UnsupportedError  the file is sound, but not something evenfield combines
    ├── WriteError            a product cannot be written
    │   └── OutputExistsError another product already has that name
    ├── PlanError             nothing, or not all that was asked, can be planned
    ├── DocumentError         a saved plan, report or settings file cannot be loaded
    ├── InputChangedError     a frame is not what it was when the plan was made
    ├── MemoryBudgetError     the memory budget is too small for a single band
    └── CombineError          a stack cannot be combined as asked

    Cancelled                 not an error: the user stopped the work

A message says what is wrong, where, and (after a blank) the mend.
"""


class EvenfieldError(Exception):
    """Base of all errors that a user can mend.

    Parameters
    ----------
    message : str
        What is wrong and where, one sentence.
    mend : str
        What to do about it, one sentence; may be empty.
    code : str
        The code of the finding that stands for this error.
    fix : tuple of str, optional
        The command line arguments that carry the mend out.
    """

    code = "error"

    def __init__(
        self, message: str, *, mend: str = "", code: str | None = None, fix: tuple[str, ...] | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.mend = mend
        self.fix = fix
        if code is not None:
            self.code = code

    def __str__(self) -> str:
        """Return the message, followed by the mend."""
        return f"{self.message} {self.mend}" if self.mend else self.message


class UsageError(EvenfieldError):
    """The request contradicts itself or cannot be understood."""

    code = "usage"


class SettingsError(UsageError):
    """A setting has a value that it may not have."""


class ReadError(EvenfieldError):
    """A file or folder cannot be used as input."""

    code = "unreadable"


class NotAnImageError(ReadError):
    """The file is no image of a kind that evenfield reads."""

    code = "not_an_image"


class DamagedFileError(ReadError):
    """The file is cut short, empty or breaks its format."""

    code = "damaged"


class UnsupportedError(ReadError):
    """The file is sound, but not something that evenfield combines (three planes, a table, a format not read yet)."""

    code = "unsupported"


class WriteError(EvenfieldError):
    """A product cannot be written."""

    code = "write_failed"


class OutputExistsError(WriteError):
    """Another product already has that name."""

    code = "output_exists"


class PlanError(EvenfieldError):
    """Nothing, or not all that was asked, can be planned."""

    code = "plan"


class DocumentError(EvenfieldError):
    """A saved plan, report or settings file cannot be loaded."""

    code = "document"


class InputChangedError(EvenfieldError):
    """A frame is not what it was when the plan was made."""

    code = "input_changed"


class MemoryBudgetError(EvenfieldError):
    """The memory budget is too small for a single band."""

    code = "memory_budget"


class CombineError(EvenfieldError):
    """A stack cannot be combined as asked."""

    code = "combine"


class Cancelled(BaseException):
    """The user stopped the work."""
