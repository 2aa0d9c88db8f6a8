"""Errors that a user reads: one line that says what, where and what to do.

The command line and the page each catch ``RagError`` once; anything else is a bug.
"""


class RagError(Exception):
    """Base of every error that a user can act on."""


class InputError(RagError):
    """A question, file or record that cannot be used as it is."""


class SettingsError(RagError):
    """A setting that is missing or wrong."""


class StoreError(RagError):
    """A store that cannot be opened, read or written."""


class StoreBusyError(StoreError):
    """Another process is writing to the store."""


class ModelError(RagError):
    """A language or embedding model that cannot be reached or used."""


class FetchError(RagError):
    """A public service of papers that cannot be reached or used."""


class ModelInterruptedError(ModelError):
    """A reply that broke off: what came before it is usable, but it is not whole."""
