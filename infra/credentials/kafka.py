"""An agency's Kafka users: given, exchanged with an overlap, taken away; each time proven by trying."""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from kafka.admin import KafkaAdminClient, UserScramCredentialDeletion, UserScramCredentialUpsertion

from infra.credentials.attempts import (
    DONE,
    NOT_SIGNED_IN,
    Door,
    Tried,
    all_that_an_agency_may,
    nothing_at_all,
    sign_in,
)
from infra.credentials.told import NotNow, Told
from infra.kafka.declared import AGENCY_ID, declared
from infra.kafka.generations import Generations, generations
from infra.kafka.provision import ITERATIONS, MECHANISM, agencies_on, provision
from infra.kafka.server import AGENCIES_SIGN_IN_AGAIN
from infra.kafka.shut_out import IN_FORCE_SECONDS, shut_out, standing_acls, users_shut_out

NOBODY = "no-such-agency"
"""Stands for another agency where there is only one: its topics are refused like any other's."""


@dataclass(frozen=True)
class KafkaCredentials:
    """`admin` is the super user's; `door` is where agencies come in; `replication` is for a new agency's topics."""

    admin: KafkaAdminClient
    door: Door
    replication: int = 1
    new_password: Callable[[], str] = field(default=lambda: secrets.token_urlsafe(24), repr=False)

    def users(self, agency: str) -> Generations:
        """The agency's users. Raises NotNow for what is no agency's id."""
        if not AGENCY_ID.fullmatch(agency):
            raise NotNow("that is no agency's id: lower-case letters, digits and hyphens, from a letter on")
        credentials = list(self.admin.describe_user_scram_credentials())
        return generations(agency, credentials, users_shut_out(standing_acls(self.admin)))

    def issue(self, agency: str) -> Told:
        """A first user, with its topics and grants; or a new one for an agency that was shut out."""
        now = self.users(agency)
        if now.standing:
            raise NotNow(f"{agency} has {' and '.join(now.standing)}: rotate instead")
        return self._new(now)

    def rotate(self, agency: str) -> Told:
        """A second user beside the first, with the same grants and the same consumer groups."""
        now = self.users(agency)
        if not now.standing:
            raise NotNow(f"{agency} has no user: issue one")
        if len(now.standing) > 1:
            raise NotNow(f"{agency} has {' and '.join(now.standing)} already: revoke --old first")
        told = self._new(now)
        told.lines.append(f"{now.standing[0]} works as before; once the agency has changed over: revoke {agency} --old")
        return told

    def revoke(self, agency: str, *, old: bool = False, password_of_new: str | None = None) -> Told:
        """Shut the agency's users out, all or all but the newest: denied first, then without a credential.

        What stays is tried too, if `password_of_new` is known.
        """
        now = self.users(agency)
        ending = now.standing[:-1] if old else now.standing
        if not ending and not now.half_gone:
            raise NotNow(
                f"{agency} has {now.standing[0]} alone: rotate first, or revoke without --old"
                if now.standing
                else f"{agency} has no user: there is nothing to revoke"
            )
        told, gone = Told(), (*now.half_gone, *ending)  # first what a command that was broken off has left
        for user in gone:
            self._end(agency, user, told)
        self._agree(agency)
        told.lines.append(
            f"What is still connected as {' or '.join(gone)} may do nothing, and is cut when it should sign in again:"
            f" after {AGENCIES_SIGN_IN_AGAIN} s at most (connections.max.reauth.ms)."
        )
        for user in now.standing[len(ending) :]:
            self._try_what_stays(agency, user, password_of_new, told)
        return told

    def prove(self, agency: str, password: str | None) -> Told:
        """Try the agency's newest user with its password, and say which others stand or were shut out."""
        now, told = self.users(agency), self.listed(agency)
        if now.standing:
            self._try_what_stays(agency, now.standing[-1], password, told)
        return told

    def listed(self, agency: str) -> Told:
        """Which users stand and which were shut out."""
        now = self.users(agency)
        return Told(
            [f"Kafka: {user} stands" for user in now.standing]
            + [f"Kafka: {user} was shut out, and is not used again" for user in now.gone]
            or [f"Kafka: {agency} never had a user"]
        )

    def _new(self, now: Generations) -> Told:
        user, password = now.next, self.new_password()
        self._alter(user, UserScramCredentialUpsertion(user, MECHANISM, password, iterations=ITERATIONS))
        self._agree(now.agency)
        if sign_in(self.door, user, password, wait=IN_FORCE_SECONDS) != DONE:
            raise NotNow(f"the broker took {user} and does not let it in: look at its log")
        told = Told(secrets={f"kafka-{user}": password})
        told.tried += all_that_an_agency_may(self.door, now.agency, user, password, self._another(now.agency))
        return told

    def _end(self, agency: str, user: str, told: Told) -> None:
        shut_out(self.admin, user)
        told.lines.append(f"{user} is denied every topic and every group")
        # With a password that nobody has but this command the denial can be tried, and the agency's holds no longer.
        password = self.new_password()
        self._alter(user, UserScramCredentialUpsertion(user, MECHANISM, password, iterations=ITERATIONS))
        if sign_in(self.door, user, password, wait=IN_FORCE_SECONDS) != DONE:
            raise NotNow(f"the broker does not act on a new password of {user}: revoke again")
        told.tried += nothing_at_all(self.door, agency, user, password)
        self._alter(user, UserScramCredentialDeletion(user, MECHANISM))
        came = sign_in(self.door, user, password, wait=IN_FORCE_SECONDS, until=NOT_SIGNED_IN)
        told.tried.append(Tried(f"{user} signs in", NOT_SIGNED_IN, came))

    def _try_what_stays(self, agency: str, user: str, password: str | None, told: Told) -> None:
        if password is None:
            told.lines.append(f"{user} stands and was not tried: its password is not here (--password-file)")
            return
        told.tried += all_that_an_agency_may(self.door, agency, user, password, self._another(agency))

    def _another(self, agency: str) -> str:
        return min(agencies_on(self.admin) - {agency}, default=NOBODY)

    def _alter(self, user: str, alteration: UserScramCredentialUpsertion | UserScramCredentialDeletion) -> None:
        message = self.admin.alter_user_scram_credentials([alteration])[user]
        if message is not None:
            raise NotNow(f"the broker refused to change {user}: {message}")
        there = isinstance(alteration, UserScramCredentialUpsertion)
        until = time.monotonic() + IN_FORCE_SECONDS
        while (user in self.admin.describe_user_scram_credentials()) != there:
            if time.monotonic() > until:
                raise NotNow(f"the broker took the change of {user} and does not act on it ({IN_FORCE_SECONDS} s)")
            time.sleep(0.05)

    def _agree(self, agency: str) -> None:
        """Topics and grants as declared, for every agency on the broker and this one."""

        def unknown(user: str) -> str:
            raise NotNow(
                f"the broker does not know {user}: apply infra/kafka/declared.toml first (python -m infra.kafka)"
            )

        provision(self.admin, declared({*agencies_on(self.admin), agency}), unknown, replication=self.replication)
