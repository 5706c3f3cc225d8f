"""What keeps a plan from being made. Apart, so that the command line may name it cheaply."""

from __future__ import annotations


class PlanRefused(ValueError):
    """A demand, a price table or a measured figure makes no sense: `cause` says which and why, `remedy` what to give instead."""

    def __init__(self, cause: str, remedy: str) -> None:
        super().__init__(f"{cause}; {remedy}")
        self.cause, self.remedy = cause, remedy
