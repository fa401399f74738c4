"""Invitations: a link, shown once, with which somebody new gets an account and a role, or somebody known the role."""

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import cast

from django.contrib.auth.models import User
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction

from deployments import access
from deployments.access import Place, Role, label_of, require, right_to_grant
from deployments.alerting.channels import deliver, refuse_without_mail_server
from deployments.alerting.message import Message, NotDelivered
from deployments.models import Invitation, Organization
from deployments.operations.places import NameTaken
from deployments.states import ChannelKind
from portal.common.problems import Absent, Invalid, NotAllowed, Refusal

LIFETIME = timedelta(days=7)
# Open ones of a place: each is a letter to somebody who did not ask for it, and a page shows them all.
MOST_OPEN = 200
GONE = "This invitation is not open any more: it was used, withdrawn, or is older than 7 days. Ask for a new one."


def invite(*, email: str, role: Role, place: Place, actor: User, now: datetime) -> tuple[Invitation, str]:
    """Make an invitation. Answers its row and its secret, which is told this once. Raises NotAllowed, Invalid, Refusal."""
    require(actor, right_to_grant(place), place)
    if role not in access.roles_to_grant(actor, place):
        raise NotAllowed(
            f"You may not make anybody {label_of(role)} of {place}: it is more than you may do there yourself."
        )
    try:
        validate_email(email)
    except ValidationError as wrong:
        detail = "Write one e-mail address, like name@example.com."
        raise Invalid(detail, errors=[{"field": "who", "detail": detail}]) from wrong
    where = {
        "organization": place if isinstance(place, Organization) else place.organization,
        "deployment": None if isinstance(place, Organization) else place,
    }
    if Invitation.objects.open().filter(**where, expires_at__gt=now).count() >= MOST_OPEN:
        raise Refusal(
            f"{MOST_OPEN} invitations to {place} are open: withdraw some that nobody needs.",
            code="too_many_invitations",
        )
    secret = secrets.token_urlsafe(32)
    row = Invitation.objects.create(
        **where,
        role=role.value,
        email=email,
        digest=digest_of(secret),
        invited_by=actor,
        invited_by_name=actor.get_username(),
        created_at=now,
        expires_at=now + LIFETIME,
    )
    return row, secret


def mail_invitation(*, invitation: Invitation, link: str) -> bool:
    """Send the link to whom it is for, if this portal sends e-mail. Answers whether it went out."""
    try:
        refuse_without_mail_server()
        deliver(ChannelKind.EMAIL, invitation.email, _letter(invitation, link))
    except (Invalid, NotDelivered):
        return False
    return True


def withdraw_invitation(*, invitation: Invitation, actor: User, now: datetime) -> None:
    """Close an invitation. Raises NotAllowed, and Absent if it is not open."""
    require(actor, right_to_grant(invitation.place), invitation.place)
    fields = {"withdrawn_at": now, "withdrawn_by_name": actor.get_username()}
    if not Invitation.objects.open().filter(pk=invitation.pk).update(**fields):
        raise Absent(GONE)


def open_invitation(*, digest: str, now: datetime) -> Invitation:
    """Answer the invitation of this digest while it can be accepted. Raises Absent."""
    rows = Invitation.objects.open().filter(digest=digest, expires_at__gt=now, invited_by__is_active=True)
    found = rows.select_related("organization", "deployment__organization", "invited_by").first()
    if found is None or not _may_still(found):
        raise Absent(GONE)
    return found


def accept_invitation(*, invitation: Invitation, user: User, now: datetime) -> None:
    """Give the account what the invitation promises; who has more already keeps it.

    It is granted in the name of whoever invited, with the rights that they have now. Raises Absent, Invalid.
    """
    role = Role(invitation.role)
    with transaction.atomic():
        rows = Invitation.objects.open().filter(pk=invitation.pk, expires_at__gt=now)
        # Compare-and-swap: two who have the link cannot both use it.
        if not rows.update(accepted_at=now, accepted_by_name=user.get_username()) or not _may_still(invitation):
            raise Absent(GONE)
        has = next((each.role for each in access.members(invitation.place) if each.user == user), None)
        if has is None or not set(access.ROLES[role]) <= set(access.ROLES[has]):
            access.grant(user=user, role=role, on=invitation.place, actor=cast("User", invitation.invited_by))


def join(*, invitation: Invitation, username: str, password: str, now: datetime) -> User:
    """Make an account for whoever has the invitation, and accept it. Raises Absent, Invalid, NameTaken."""
    name = User.normalize_username(username)
    if "@" in name:
        # Whoever types an address somewhere means whom it belongs to, and not who took it as a name.
        raise Invalid(
            "A user name has no @ in it here: choose another.", errors=[{"field": "username", "detail": "No @."}]
        )
    user = User(username=name, email=invitation.email, date_joined=now)
    try:
        user.clean_fields(exclude=["password"])
        validate_password(password, user)
    except ValidationError as wrong:
        raise Invalid(" ".join(wrong.messages)) from wrong
    if User.objects.filter(username__iexact=name).exists():
        # Small letters for capital ones make no other name: signing in does not tell them apart, nor do people.
        raise NameTaken(f"The user name {name} is taken: choose another.")
    user.set_password(password)
    try:
        with transaction.atomic():
            user.save()
            accept_invitation(invitation=invitation, user=user, now=now)
    except IntegrityError as clash:
        raise NameTaken(f"The user name {name} is taken: choose another.") from clash
    return user


def digest_of(secret: str) -> str:
    """Answer what is stored of a secret."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _may_still(invitation: Invitation) -> bool:
    """Say whether whoever invited may do so now: a link must not outlive the rights of who made it."""
    inviter = invitation.invited_by
    return inviter is not None and Role(invitation.role) in access.roles_to_grant(inviter, invitation.place)


def _letter(invitation: Invitation, link: str) -> Message:
    return Message(
        alert="invitation",
        place=str(invitation.place),
        title=f"{invitation.invited_by_name} invites you to {invitation.place} on Lastgood",
        body=f"You would be {label_of(Role(invitation.role))} of {invitation.place}. Open this link to accept: it works once, "
        f"until {invitation.expires_at:%Y-%m-%d %H:%M} UTC.",
        link=link,
        at=invitation.created_at,
    )
