"""Plans are data: the three rows of the seed (§5.1), shared by all firms."""

from sqlalchemy import Integer
from sqlalchemy.orm import Mapped, mapped_column

from conecta.kit.tables import Base, Id, declare, grants


class Plan(Base):
    """What a firm pays for."""

    __tablename__ = "plans"

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    name: Mapped[str]
    per_minute: Mapped[int] = mapped_column(Integer)
    per_day: Mapped[int] = mapped_column(Integer)


SEED_PLANS = (
    "insert into plans (id, name, per_minute, per_day) values"
    " ('free', 'Free/Trial', 60, 1000),"
    " ('professional', 'Professional', 300, 10000),"
    " ('enterprise', 'Enterprise', 1000, 100000)"
)

declare(Plan, *grants("plans", "select"), SEED_PLANS)
