"""The declarative base of every table and the column types that both databases share."""

from datetime import UTC, datetime
from typing import Any, ClassVar, cast

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Session

BigId = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Json = dict[str, Any]
JsonList = list[Any]
_json = sa.JSON().with_variant(JSONB(), "postgresql")


class UtcDateTime(sa.types.TypeDecorator[datetime]):
    """An aware instant, kept in UTC. SQLite has no zone, so it is put back when read."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("an instant needs its zone")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """All tables of the house. Text is unlimited unless a column says more; `int` is 64 bits."""

    metadata = sa.MetaData(
        naming_convention={
            "ix": "ix_%(column_0_N_label)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        int: BigId,
        str: sa.Text(),
        datetime: UtcDateTime(),
        dict[str, Any]: _json,
        list[Any]: _json,
    }


def table_of(model: type[Base]) -> sa.Table:
    """The table behind a model, for statements that are built once, below the unit of work."""
    return cast(sa.Table, model.__table__)


def insert_into(session: Session, table: type[Base]) -> Any:
    """An INSERT that knows `on_conflict_do_nothing`, in the words of the session's database."""
    return insert_for(session.get_bind().dialect.name, table)


def insert_for(dialect: str, table: type[Base]) -> Any:
    """The same for a statement that is built once for each database."""
    return (postgresql if dialect == "postgresql" else sqlite).insert(table_of(table))
