"""The playground: networks that train while you watch, on a page of the browser served by this machine."""

from ._command import DESCRIPTION, add_arguments, run
from ._data import samples

__all__ = ["DESCRIPTION", "add_arguments", "run", "samples"]
