"""A set over one's own papers: drafted, checked, taken in from other tools and given to them."""

from .drafting import Draft, draft_set

# from .foreign import import_set
# from .lint import Fault, lint_set
# from .outgoing import export_set

__all__ = ["Draft", "Fault", "draft_set", "export_set", "import_set", "lint_set"]
