"""What all verbs have in common on the command line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

from typer.core import TyperCommand, TyperOption


class Verb(TyperCommand):
    """A verb whose every --flag can be given as HERL_VERB_FLAG; help names only the variables worth knowing.

    Attributes:
        called: What its variables are named after; "" for its own name.
        bare: Options that may stand without a value -> the value that is meant then, which typer cannot say.
    """

    called: ClassVar[str] = ""
    bare: ClassVar[Mapping[str, str]] = {}

    def __init__(self, name: str, **settings: Any) -> None:
        super().__init__(name, **settings)
        for option in self.params:
            if option.envvar is None and isinstance(option, TyperOption):
                flag = max(option.opts, key=len).lstrip("-")
                option.envvar = f"HERL_{self.called or name}_{flag}".upper().replace("-", "_")
                option.show_envvar = False

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the command line; a shell that completes it sees it as it is."""
        return super().parse_args(ctx, args if ctx.resilient_parsing else list(self._spelled_out(args)))

    def _spelled_out(self, args: Sequence[str]) -> Iterator[str]:
        for number, argument in enumerate(args):
            yield argument
            following = args[number + 1 : number + 2]
            if argument in self.bare and (not following or following[0].startswith("-")):
                yield self.bare[argument]
