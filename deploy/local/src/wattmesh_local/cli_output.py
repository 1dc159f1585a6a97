"""What every `wattmesh` command writes to, and how it says what went wrong."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import typer
from rich.console import Console
from rich.text import Text

from wattmesh_kernel.errors import WattmeshError

console = Console()


def say_errors(work: Callable[[], Coroutine[Any, Any, int]]) -> None:
    """Do something to its end, and say in words what went wrong."""
    try:
        code = asyncio.run(work())
    except WattmeshError as error:
        console.print(Text(error.message, style="red"), soft_wrap=True)
        raise typer.Exit(1) from error
    raise typer.Exit(code)
