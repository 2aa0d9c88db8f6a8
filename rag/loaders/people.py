"""Names of people as reference managers sort them, in the order in which they are spoken."""

from __future__ import annotations


def spoken(name: str) -> str:
    """``"Curie, Marie"`` as ``"Marie Curie"``, ``"King, Martin, Jr."`` as ``"Martin King Jr."``.

    A name without a comma stays; one that ends in a comma is an institution's.
    """
    parts = [part.strip() for part in name.split(",")]
    match parts:
        case [last, first] if first:
            return f"{first} {last}".strip()
        case [last, first, suffix] if first and suffix:
            return f"{first} {last} {suffix}".strip()
    return ", ".join(part for part in parts if part)
