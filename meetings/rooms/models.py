"""Tables of what happens in the room."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db import Base


class Stay(Base):
    """One time that a participant was in the room: who leaves and comes back has two."""

    __tablename__ = "stay"
    id: Mapped[int] = mapped_column(primary_key=True)
    meeting_id: Mapped[int] = mapped_column(sa.ForeignKey("meeting.id", ondelete="CASCADE"), index=True)
    participant_id: Mapped[int] = mapped_column(sa.ForeignKey("participant.id", ondelete="CASCADE"), index=True)
    came_at: Mapped[datetime]
    came_by: Mapped[str]  # self, code (the one at the door), entrance (found there), or `person:3` of the desk
    left_at: Mapped[datetime | None]
    left_by: Mapped[str] = mapped_column(default="")
