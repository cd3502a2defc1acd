"""Alias tokens: pairs that stand for a user's name and password until they expire.

Reference: HibernateAliasTokenService. XNAT deletes expired tokens once an hour; here they are gone at once.
"""

from __future__ import annotations

import datetime as dt
import re
import secrets
import string
import uuid
from collections.abc import Sequence

from sqlalchemy import delete, select
from sqlalchemy.orm import Session, joinedload

from xnat_twin.storage.database import Store
from xnat_twin.storage.store import AliasToken, User, now

#: What an alias looks like; anything else is looked for among the users only.
ALIAS = re.compile("-".join(f"[0-9a-fA-F]{{{length}}}" for length in (8, 4, 4, 4, 12)))

_LETTERS = string.ascii_letters + string.digits


def issue_token(store: Store, user_id: int, lifetime: int, *, numeric: bool = False) -> AliasToken:
    """A new token that lives for `lifetime` seconds. `numeric`: the secret is a number, as in 1.6."""
    secret = str(secrets.randbits(62)) if numeric else "".join(secrets.choice(_LETTERS) for _ in range(64))
    expires = now() + dt.timedelta(seconds=lifetime)
    with store.writing() as session:
        token = AliasToken(alias=str(uuid.uuid4()), secret=secret, user_id=user_id, expires=expires)
        session.add(token)
    return token


def find_token(session: Session, alias: str) -> AliasToken | None:
    """The live token with this alias, and its user."""
    if not ALIAS.fullmatch(alias):
        return None
    return session.scalar(
        select(AliasToken)
        .where(AliasToken.alias == alias, AliasToken.expires > now())
        .options(joinedload(AliasToken.user))
    )


def tokens_of(session: Session, user: User) -> Sequence[AliasToken]:
    """The live tokens of a user, oldest first."""
    own = select(AliasToken).where(AliasToken.user_id == user.user_id, AliasToken.expires > now())
    return session.scalars(own.order_by(AliasToken.token_id)).all()


def invalidate_token(store: Store, alias: str) -> None:
    with store.writing() as session:
        session.execute(delete(AliasToken).where(AliasToken.alias == alias))


def invalidate_tokens_of(session: Session, user: User) -> None:
    """Whoever is disabled loses his tokens."""
    session.execute(delete(AliasToken).where(AliasToken.user_id == user.user_id))
