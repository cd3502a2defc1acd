"""The audit trail: what somebody did to an object, and the reason for it that some sites demand.

Reference: PersistentWorkflowUtils.buildOpenWorkflow, EventUtils
"""

from __future__ import annotations

import datetime as dt

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from xnat_twin.configuration.preferences import Preferences
from xnat_twin.datatypes import schema
from xnat_twin.errors import StatusError
from xnat_twin.lookup.finder import Finder, project_of
from xnat_twin.params import Params
from xnat_twin.storage.store import Experiment, Project, Subject, Workflow

JUSTIFICATION, NAME = "Justification required.", "Event name required."
#: What things happen to; what happens to a scan happens to its session.
Audited = Project | Subject | Experiment


def record(
    finder: Finder,
    preferences: Preferences,
    params: Params,
    item: Audited,
    action: str,
    status: int = 500,
    message: str | None = "",
) -> Workflow:
    """Note what happened to `item`. Without the reason or the name that the site demands the answer is `status`.

    It says what is missing if `message` is None. XNAT's own answers differ from resource to resource: what is deleted
    answers 403, what is stored 500. What happens to a scan happens to its session.
    """
    name = require(preferences, params, item, action, status, message)
    event = Workflow(
        item_id=item.id,
        xsi_type=_type(item),
        project=project_of(item).id,
        user=finder.user.login,
        action=name or "unknown action",
        category="PROJECT_ADMIN" if isinstance(item, Project) else "DATA",
        type=params.get("event_type") or "WEB_SERVICE",
        reason=params.get("event_reason"),
        comment=params.get("event_comment"),
    )
    finder.session.add(event)
    return event


def require(
    preferences: Preferences,
    params: Params,
    item: Audited,
    action: str,
    status: int = 500,
    message: str | None = "",
) -> str:
    """The name of what happens; the same refusal as of `record`, and nothing is noted."""
    xsi_type = _type(item)
    name = params.get("event_action") if "event_action" in params else action
    missing = None
    if not params.get("event_reason") and _needs_reason(preferences, xsi_type):
        missing = JUSTIFICATION
    elif not name.strip() and preferences.true("requireEventName"):
        missing = NAME
    if missing:
        raise StatusError(status, missing if message is None else message)
    return name


def added_or_modified(item: Subject | Experiment, *, is_new: bool) -> str:
    """Reference: EventUtils.getAddModifyAction"""
    return f"{'Added' if is_new else 'Modified'} {_singular(item)}"


def removed(item: Subject | Experiment) -> str:
    return f"Removed {_singular(item)}"


def _type(item: Audited) -> str:
    if isinstance(item, Experiment):
        return item.xsi_type
    return schema.SUBJECT if isinstance(item, Subject) else schema.PROJECT


def _singular(item: Subject | Experiment) -> str:
    return "Subject" if isinstance(item, Subject) else item.xsi_type


def _needs_reason(preferences: Preferences, xsi_type: str) -> bool:
    """Both settings must be on. Types of modules never need one, since their names do not start with `xnat`."""
    demanded = preferences.true("requireChangeJustification") and preferences.true("showChangeJustification")
    return demanded and xsi_type.startswith("xnat") and xsi_type != schema.PROJECT


def history(session: Session, item: Experiment) -> dict[str, object]:
    """The events of an experiment and its assessors, as JSON. Reference: WorkflowBasedHistoryBuilder.toJSON"""
    assessors = select(Experiment.id).where(Experiment.session_id == item.experiment_id)
    query = select(Workflow).where(or_(Workflow.item_id == item.id, Workflow.item_id.in_(assessors)))
    events = []
    for event in session.scalars(query.order_by(Workflow.event_id)):
        values = {
            "event_id": event.event_id,
            "event_action": event.action,
            "event_date": int(event.when.replace(tzinfo=dt.UTC).timestamp() * 1000),
            "event_user": event.user,
            "event_type": event.type,
            "event_reason": event.reason,
            "event_category": event.category,
            "event_status": "Complete",
            "changesets": [],
        }
        events.append({name: value for name, value in values.items() if value != ""})
    return {"events": events}
