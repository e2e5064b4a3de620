"""Deny a user everything, whatever else it is granted: at once, for what is connected already as well."""

import time
from collections.abc import Iterable

from kafka.admin import (
    ACL,
    ACLFilter,
    ACLOperation,
    ACLPermissionType,
    ACLResourcePatternType,
    KafkaAdminClient,
    ResourcePattern,
    ResourcePatternFilter,
    ResourceType,
)

from infra.kafka.generations import agency_of_user

EVERYTHING = "*"
IN_FORCE_SECONDS = 30


class NotInForce(Exception):
    """The broker refused a change, or took it and does not act on it."""


def standing_acls(admin: KafkaAdminClient) -> set[ACL]:
    """Every grant and denial there is."""
    everything = ACLFilter(
        principal=None,
        host="*",
        operation=ACLOperation.ANY,
        permission_type=ACLPermissionType.ANY,
        resource_pattern=ResourcePatternFilter(ResourceType.ANY, None, ACLResourcePatternType.ANY),
    )
    standing, _ = admin.describe_acls(everything)  # this one raises
    return set(standing)


def is_mark(acl: ACL) -> bool:
    """Whether it denies an agency's user something: nobody takes that away again."""
    return acl.permission_type == ACLPermissionType.DENY and agency_of_user(_user(acl)) is not None


def users_shut_out(acls: Iterable[ACL]) -> set[str]:
    """The agencies' users that were shut out."""
    return {_user(acl) for acl in acls if is_mark(acl)}


def shut_out(admin: KafkaAdminClient, user: str) -> None:
    """Deny `user` every topic and every group, and return once the broker acts on it. Raises NotInForce."""
    wanted = [
        ACL(
            principal=f"User:{user}",
            host="*",
            operation=ACLOperation.ALL,
            permission_type=ACLPermissionType.DENY,
            resource_pattern=ResourcePattern(kind, EVERYTHING, ACLResourcePatternType.LITERAL),
        )
        for kind in (ResourceType.TOPIC, ResourceType.GROUP, ResourceType.TRANSACTIONAL_ID)
    ]
    answer = admin.create_acls(wanted)
    if answer["failed"]:
        raise NotInForce(f"{user} could not be shut out: {', '.join(error.__name__ for error in answer['failed'])}")
    until = time.monotonic() + IN_FORCE_SECONDS
    while not set(wanted) <= standing_acls(admin):
        if time.monotonic() > until:
            raise NotInForce(f"the broker took the denial of {user} and does not act on it ({IN_FORCE_SECONDS} s)")
        time.sleep(0.05)


def _user(acl: ACL) -> str:
    return str(acl.principal).removeprefix("User:")
