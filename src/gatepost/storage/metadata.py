"""The one MetaData that every noun's tables join, and the column types they share."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, MetaData, Text

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def id_column(name: str, *, nullable: bool = False) -> Column[bytes]:
    """Sixteen bytes: a UUIDv7."""
    return Column(name, LargeBinary(16), nullable=nullable)


def ms_column(name: str, *, nullable: bool = False) -> Column[int]:
    """Milliseconds since the epoch."""
    return Column(name, BigInteger, nullable=nullable)


def text_column(name: str, *, nullable: bool = False) -> Column[str]:
    """Text of any length; its bounds are checked before it comes here."""
    return Column(name, Text, nullable=nullable)


def sequence_column(name: str) -> Column[int]:
    """A number that grows with each row, in order of arrival. Never used twice."""
    kind: Any = BigInteger().with_variant(Integer, "sqlite")
    return Column(name, kind, primary_key=True, autoincrement=True)
