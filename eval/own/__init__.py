"""A set over one's own papers: drafted, checked, taken in from other tools and given to them."""

from .drafting import draft_set
from .foreign import import_set
from .lint import lint_set
from .outgoing import export_set

__all__ = ["draft_set", "export_set", "import_set", "lint_set"]
