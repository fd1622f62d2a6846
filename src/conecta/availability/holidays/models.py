"""Calendars of holidays: national, regional, local and judicial days, and those of the firm's own office."""

import datetime as dt
from typing import Any

from sqlalchemy import Boolean, CheckConstraint, Index, Integer, UniqueConstraint
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from conecta.availability.models import moves_firm_version, moves_version
from conecta.kit.tables import (
    Base,
    Id,
    TenantTable,
    Versioned,
    declare,
    grants,
    policies,
    reference,
    tenant_key,
)

KINDS = ("national", "regional", "local", "judicial", "office")
SOURCES = ("library", "own")


class HolidayCalendar(TenantTable, Versioned, Base):
    """The holidays of one place; `years` are those whose official days were filled in."""

    __tablename__ = "holiday_calendars"
    __table_args__: Any = (
        tenant_key(),
        Index("ix_holiday_calendars_tenant_id_created_at_id", "tenant_id", "created_at", "id"),
        Index("uq_holiday_calendars_default", "tenant_id", unique=True, postgresql_where="is_default"),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    name: Mapped[str]
    # A subdivision of the library `holidays` (`CT`, `MD`, …); null has the national days only.
    region: Mapped[str | None]
    municipality: Mapped[str | None]
    is_default: Mapped[bool] = mapped_column(Boolean)
    years: Mapped[list[int]] = mapped_column(ARRAY(Integer))


class Holiday(TenantTable, Versioned, Base):
    """One day of a calendar. Only a `closed` one takes time away; a judicial day alone does not."""

    __tablename__ = "holidays"
    __table_args__: Any = (
        reference("calendar_id", "holiday_calendars"),
        UniqueConstraint("tenant_id", "calendar_id", "date", "kind"),
        CheckConstraint(f"kind in {KINDS}", name="kind_known"),
        CheckConstraint(f"source in {SOURCES}", name="source_known"),
        Index("ix_holidays_tenant_id_calendar_id_date_id", "tenant_id", "calendar_id", "date", "id"),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    calendar_id: Mapped[str] = mapped_column(Id)
    date: Mapped[dt.date]
    name: Mapped[str]
    kind: Mapped[str]
    source: Mapped[str]
    closed: Mapped[bool] = mapped_column(Boolean)
    # False while nobody has checked the day with an official source.
    confirmed: Mapped[bool] = mapped_column(Boolean)


# A client of the firm reads none of these by themselves: the free time they are offered is computed as them.
declare(
    HolidayCalendar,
    *policies("holiday_calendars", client_sees="true"),
    *grants("holiday_calendars"),
    moves_version("holiday_calendars"),
)
declare(
    Holiday, *policies("holidays", client_sees="true"), *grants("holidays"), *moves_firm_version("holidays")
)
