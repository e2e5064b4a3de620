"""Make a broker agree with `declared.toml`: idempotently, and looking at every answer it gives.

`python -m infra.kafka --help` applies it to any cluster.
"""

import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

from kafka.admin import (
    ACL,
    ACLFilter,
    ACLOperation,
    ACLPermissionType,
    ACLResourcePatternType,
    ConfigResource,
    ConfigResourceType,
    KafkaAdminClient,
    ResourcePattern,
    ResourcePatternFilter,
    ResourceType,
    UserScramCredentialDeletion,
    UserScramCredentialUpsertion,
)
from kafka.errors import for_code

from infra.kafka.declared import Declared, Grant, Topic, agency_user
from infra.kafka.generations import agency_of_user, as_standing
from infra.kafka.shut_out import is_mark, standing_acls, users_shut_out

MECHANISM = "SCRAM-SHA-512"
ITERATIONS = 8192
IN_FORCE_SECONDS = 30
AGENCY_USERS = agency_user("")


class ProvisioningFailed(Exception):
    """The broker refused something, or holds what this may not change: every failure, one a line."""

    def __init__(self, failures: list[str]) -> None:
        super().__init__("\n".join(failures))
        self.failures = failures


@dataclass
class Changes:
    """What was done, in words; empty when the broker agreed already."""

    made: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.made)


def provision(
    admin: KafkaAdminClient,
    wanted: Declared,
    password_of: Callable[[str], str],
    *,
    renew: Collection[str] = (),
    replication: int = 1,
) -> Changes:
    """Make topics, users and grants as declared; take away grants and agencies that no longer are.

    A user that exists keeps its password unless named in `renew`; an agency keeps the users that it has, and none if it
    was shut out. No topic is ever deleted, and none gets other partitions. Raises ProvisioningFailed with every
    failure, after trying the rest.
    """
    changes, failures = Changes(), list[str]()
    wanted = as_standing(wanted, list(admin.describe_user_scram_credentials()), users_shut_out(standing_acls(admin)))
    _topics(admin, wanted.topics, replication, changes, failures)
    _users(admin, wanted.users, password_of, renew, changes, failures)
    _grants(admin, wanted, changes, failures)
    if failures:
        raise ProvisioningFailed(failures)
    if changes:
        _wait_until_in_force(admin, wanted)
    return changes


def _topics(
    admin: KafkaAdminClient, topics: Iterable[Topic], replication: int, changes: Changes, failures: list[str]
) -> None:
    standing = {topic["name"]: len(topic["partitions"]) for topic in admin.describe_topics()}
    missing = [topic for topic in topics if topic.name not in standing]
    if missing:
        asked = {
            topic.name: {
                "num_partitions": topic.partitions,
                "replication_factor": replication,
                "configs": dict(topic.configs),
            }
            for topic in missing
        }
        answers = {answer["name"]: answer for answer in admin.create_topics(asked, raise_errors=False)["topics"]}
        for topic in missing:
            answer = answers[topic.name]
            if answer["error_code"]:
                failures.append(f"topic {topic.name}: {_reason(answer)}")
            else:
                changes.made.append(f"topic {topic.name} made")
        admin.wait_for_topics([name for name, answer in answers.items() if not answer["error_code"]])
    failures.extend(
        f"topic {topic.name} has {standing[topic.name]} partitions and {topic.partitions} are declared:"
        " more would move keys between them, so make a new topic and copy it"
        for topic in topics
        if standing.get(topic.name, topic.partitions) != topic.partitions
    )
    _configs(admin, [topic for topic in topics if topic.name in standing], changes, failures)


def _configs(admin: KafkaAdminClient, topics: list[Topic], changes: Changes, failures: list[str]) -> None:
    asked = [ConfigResource(ConfigResourceType.TOPIC, topic.name) for topic in topics]
    held = admin.describe_configs(asked, config_filter="all").get("topic", {}) if asked else {}
    altered = []
    for topic in topics:
        other = {key: value for key, value in topic.configs if held[topic.name][key]["value"] != value}
        if other:
            altered.append(ConfigResource(ConfigResourceType.TOPIC, topic.name, other))
    if altered:
        for name, result in admin.alter_configs(altered)["topic"].items():
            if result == "OK":
                changes.made.append(f"topic {name} configured")
            else:
                failures.append(f"topic {name}: {result}")


def _users(
    admin: KafkaAdminClient,
    users: Collection[str],
    password_of: Callable[[str], str],
    renew: Collection[str],
    changes: Changes,
    failures: list[str],
) -> None:
    standing = set(admin.describe_user_scram_credentials())
    wanted = [user for user in users if user not in standing or user in renew]
    gone = [user for user in standing if user.startswith(AGENCY_USERS) and user not in users]
    alterations: list[Any] = [
        UserScramCredentialUpsertion(user, MECHANISM, password_of(user), iterations=ITERATIONS) for user in wanted
    ]
    alterations += [UserScramCredentialDeletion(user, MECHANISM) for user in gone]
    if not alterations:
        return
    for user, message in admin.alter_user_scram_credentials(alterations).items():
        if message is None:
            changes.made.append(f"user {user} {'removed' if user in gone else 'set'}")
        else:
            failures.append(f"user {user}: {message}")


def _wait_until_in_force(admin: KafkaAdminClient, wanted: Declared) -> None:
    """The controller has agreed; the brokers act on it only once they have read its log (half a second was seen)."""
    users, grants = set(wanted.users), {_acl(grant) for grant in wanted.grants}
    until = time.monotonic() + IN_FORCE_SECONDS
    while not (users <= set(admin.describe_user_scram_credentials()) and grants <= standing_acls(admin)):
        if time.monotonic() > until:
            raise ProvisioningFailed([f"the broker took the changes and does not act on them ({IN_FORCE_SECONDS} s)"])
        time.sleep(0.05)


def agencies_on(admin: KafkaAdminClient) -> set[str]:
    """The agencies that have, or had, a user on this broker."""
    users = {*admin.describe_user_scram_credentials(), *users_shut_out(standing_acls(admin))}
    return {agency for user in users if (agency := agency_of_user(user))}


def _grants(admin: KafkaAdminClient, wanted: Declared, changes: Changes, failures: list[str]) -> None:
    standing = standing_acls(admin)
    asked = {_acl(grant): grant for grant in wanted.grants}
    missing = [acl for acl in asked if acl not in standing]
    if missing:
        answer = admin.create_acls(missing)
        # It names what succeeded, but not what failed.
        succeeded = set(answer["succeeded"])
        refused = [asked[acl] for acl in missing if acl not in succeeded]
        reasons = ", ".join(sorted({error.__name__ for error in answer["failed"]}))
        failures += [f"{grant}: {reasons}" for grant in sorted(refused)]
        changes.made += [f"{asked[acl].user} may {asked[acl].operation} {asked[acl].name}" for acl in succeeded]
    ours = {_principal(user) for user in wanted.users}
    extra = [
        acl
        for acl in standing
        if acl not in asked
        and not is_mark(acl)
        and (acl.principal in ours or acl.principal.startswith(_principal(AGENCY_USERS)))
    ]
    if extra:
        filters = [ACLFilter(*(getattr(acl, part) for part in ACL_PARTS), _exactly(acl)) for acl in extra]
        for acl, (_, removed, error) in zip(extra, admin.delete_acls(filters), strict=True):
            if error.errno or not removed:
                failures.append(f"{acl} could not be taken away: {error.__name__}")
            else:
                changes.made.append(f"{acl.principal} may no longer {acl.operation.name} {acl.resource_pattern}")


ACL_PARTS = ("principal", "host", "operation", "permission_type")


def _exactly(acl: ACL) -> ResourcePatternFilter:
    pattern = acl.resource_pattern
    return ResourcePatternFilter(pattern.resource_type, pattern.resource_name, pattern.pattern_type)


def _acl(grant: Grant) -> ACL:
    is_topic = grant.resource == "topic"
    return ACL(
        principal=_principal(grant.user),
        host="*",
        operation=ACLOperation[grant.operation],
        permission_type=ACLPermissionType.ALLOW,
        resource_pattern=ResourcePattern(
            ResourceType.TOPIC if is_topic else ResourceType.GROUP,
            grant.name,
            ACLResourcePatternType.LITERAL if is_topic else ACLResourcePatternType.PREFIXED,
        ),
    )


def _principal(user: str) -> str:
    return f"User:{user}"


def _reason(answer: dict[str, Any]) -> str:
    return f"{for_code(answer['error_code']).__name__}: {answer.get('error_message') or 'no reason given'}"
