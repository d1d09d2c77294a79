"""Validators for numbers in settings."""

from typing import Any

import attrs


def probability(_settings: object, field: "attrs.Attribute[Any]", value: float) -> None:
    """Insist on 0 to 1."""
    if not 0 <= value <= 1:
        raise ValueError(f"{field.name} is a probability, 0 to 1, got {value!r}")


def not_negative(_settings: object, field: "attrs.Attribute[Any]", value: float | None) -> None:
    """Insist on 0 or more; None passes."""
    if value is not None and not value >= 0:
        raise ValueError(f"{field.name} cannot be negative, got {value!r}")


def positive(_settings: object, field: "attrs.Attribute[Any]", value: float | None) -> None:
    """Insist on more than 0; None passes."""
    if value is not None and not value > 0:
        raise ValueError(f"{field.name} has to be more than 0, got {value!r}")
