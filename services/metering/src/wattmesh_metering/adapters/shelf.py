"""What a kind of resource is in the database: the SQL and the rows that its catalog needs."""

from collections.abc import Mapping
from typing import Any, Protocol, TypeVar

from psycopg import AsyncConnection

V = TypeVar("V")

Row = tuple[Any, ...]


class Shelf(Protocol[V]):
    """One kind of resource."""

    @property
    def kind(self) -> str:
        """Name of the kind, for the requests that create one."""

    @property
    def table(self) -> str:
        """Table in which each is one row."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of the table in the order of `to_row`; the first is `name`."""

    @property
    def selected(self) -> str:
        """Expressions that `from_row` reads."""

    @property
    def filters(self) -> Mapping[str, str]:
        """A condition with one `%s` per filter."""

    def to_row(self, value: V) -> Row:
        """Return the values of the columns."""

    def from_row(self, row: Row) -> V:
        """Return the resource of a selected row."""

    def parts(self, value: V) -> Row:
        """Return what stands in other tables."""

    async def write_parts(self, connection: AsyncConnection, value: V) -> None:
        """Write what stands in other tables, after the row itself."""
