"""The exception tree. Each class is also the built-in kind that a caller would expect to catch."""

from __future__ import annotations


class OnetakeError(Exception):
    """Above every refusal of onetake. Its text is one line: which argument, what was got, what was wanted."""


class ConfigError(OnetakeError, ValueError):
    """A setting, parameter or argument value that cannot be used."""


class ShapeError(OnetakeError, ValueError):
    """An array of another shape, length, dtype or range than declared."""


class UnknownIdError(OnetakeError, LookupError):
    """An id that is not registered; the text names the nearest ones that are."""


class NotReadyError(OnetakeError, RuntimeError):
    """Something was asked for before it can be had, such as a step before a reset."""


class OneShotError(OnetakeError, RuntimeError):
    """A second take was asked of an environment that allows one."""


class StoppedEarly(OnetakeError, RuntimeError):
    """An episode was still running when the step limit was reached."""


class SchemaError(OnetakeError, ValueError):
    """Data that break their schema; the text names file, row and column."""


class CalibrationError(OnetakeError, ValueError):
    """A log that an environment cannot honestly be fitted to; the text says why."""


class EstimateError(OnetakeError, ValueError):
    """An off-policy estimate that the log cannot carry; the text says why."""


class CheckpointError(OnetakeError, ValueError):
    """A saved file that is truncated, tampered with, or of another version."""


class OutputError(OnetakeError, OSError):
    """A place that cannot be written."""


class ParticipantError(OnetakeError, RuntimeError):
    """A participant of an Assembly that failed; the text names it and shows the parcel that it was handed."""


class KeyScopeError(ParticipantError, LookupError):
    """A participant that read or wrote a key of the parcel without declaring it."""
