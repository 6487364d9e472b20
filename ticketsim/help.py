"""The form of ``--help``: plain text that 80 columns hold, with the commands grouped by what a person wants."""

from typing import Any, cast

import typer
from typer.core import TyperCommand, TyperGroup


class GroupedCommands(TyperGroup):
    """Commands that are listed under their ``rich_help_panel``, each panel's in the order of registration."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write one section for each panel: the commands' names, and the first sentence of what each does."""
        registered = cast("dict[str, TyperCommand | TyperGroup]", self.commands)
        commands = {name: command for name, command in registered.items() if not command.hidden}
        width = max(map(len, commands))
        for panel in dict.fromkeys(command.rich_help_panel for command in commands.values()):
            with formatter.section(panel or "Commands"):
                formatter.write_dl(
                    [
                        (name.ljust(width), command.get_short_help_str(limit=200))
                        for name, command in commands.items()
                        if command.rich_help_panel == panel
                    ]
                )


def command_group(name: str, help_text: str) -> typer.Typer:
    """Return an empty group of commands whose help is plain text: rich's boxes leave 22 of 80 columns to the words."""
    return typer.Typer(
        name=name,
        help=help_text,
        cls=GroupedCommands,
        rich_markup_mode=None,
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
