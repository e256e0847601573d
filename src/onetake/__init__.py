"""onetake rehearses decisions that get one take."""

from __future__ import annotations

from onetake.errors import OnetakeError
from onetake.seeding import child_seed

__version__ = "0.1.0"
__all__ = ["OnetakeError", "__version__", "child_seed"]
