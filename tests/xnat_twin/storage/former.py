"""What objects were before: each change of an object's fields or label leaves what it had.

Only whole objects are kept so: states of what is nested in them, and objects that are gone, have no past here.
Reference: ItemPropBuilder, and XNAT's tables `…_history`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from sqlalchemy import JSON, ForeignKey, event, select
from sqlalchemy.orm import Mapped, Session, UOWTransaction, mapped_column, object_mapper
from sqlalchemy.orm.attributes import get_history

from xnat_twin.datatypes.fields import Fields
from xnat_twin.storage.store import OWNER_KEYS, Base, Experiment, Item, Owner, Subject, now


class Former(Base):
    """The fields of one object, from one moment to another."""

    __tablename__ = "xnat_item_history"
    history_id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int | None] = mapped_column(
        ForeignKey("xnat_project.project_id", ondelete="CASCADE"), index=True
    )
    subject_id: Mapped[int | None] = mapped_column(
        ForeignKey("xnat_subject.subject_id", ondelete="CASCADE"), index=True
    )
    experiment_id: Mapped[int | None] = mapped_column(
        ForeignKey("xnat_experiment.experiment_id", ondelete="CASCADE"), index=True
    )
    scan_id: Mapped[int | None] = mapped_column(ForeignKey("xnat_scan.scan_id", ondelete="CASCADE"), index=True)
    reconstruction_id: Mapped[int | None] = mapped_column(
        ForeignKey("xnat_reconstruction.reconstruction_id", ondelete="CASCADE"), index=True
    )
    fields: Mapped[Fields] = mapped_column(JSON)
    start: Mapped[dt.datetime]
    end: Mapped[dt.datetime]


def former(session: Session, item: Owner) -> Sequence[Former]:
    """What the object was, the oldest first."""
    key = OWNER_KEYS[type(item)]
    query = select(Former).where(getattr(Former, key) == getattr(item, key)).order_by(Former.history_id)
    return session.scalars(query).all()


@event.listens_for(Session, "before_flush")
def _keep(session: Session, _context: UOWTransaction, _instances: object) -> None:
    for item in session.dirty:
        if isinstance(item, Item) and isinstance(item, Owner) and item not in session.deleted:
            if _is_changed(item):
                _keep_former(session, item)
            else:
                item.last_modified = _before(item, "last_modified")  # XNAT leaves a row alone that stays as it is


def _is_changed(item: Owner) -> bool:
    names = (attribute.key for attribute in object_mapper(item).attrs)
    return any(get_history(item, name).has_changes() for name in names if name != "last_modified")


def _keep_former(session: Session, item: Owner) -> None:
    fields, start = _before(item, "fields"), _before(item, "last_modified")
    labelled = isinstance(item, Subject | Experiment)
    label = _before(item, "label") if labelled else item.label
    if (fields, label) == (item.fields, item.label):
        return
    key = OWNER_KEYS[type(item)]
    kept = {"label": label} | fields if labelled else fields
    session.add(Former(**{key: getattr(item, key)}, fields=kept, start=start, end=now()))


def _before(item: Owner, name: str) -> Any:
    """What the database still has for a column."""
    changed = get_history(item, name).deleted
    return changed[0] if changed else getattr(item, name)
