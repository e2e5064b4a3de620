"""An agency's keys at the sign-in provider: a second one registered beside the first, the old one taken away, and each
time a token asked for. Done here for the embedded issuer; for another, told to whoever runs it."""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import httpx
from joserfc.jwk import ECKey

from infra.credentials.attempts import DONE, REFUSED, Tried
from infra.credentials.told import NotNow, Told
from infra.issuer.identities import Identities
from infra.issuer.registered import CURVE, Register, Registration
from infra.issuer.signing import TOKEN_LIVES
from infra.kafka.declared import AGENCY_ID
from shared.credentials import ASSERTION_TYPE, assertion
from shared.identity import audience_of


@dataclass(frozen=True)
class HttpsCredentials:
    """Keys at the embedded issuer at `issuer`; `identities` says which ids are no agency's."""

    issuer: str
    register: Register
    identities: Identities

    def issue(self, agency: str, public: ECKey | None, partnerships: Sequence[str]) -> Told:
        """A first key, or a new one for an agency that was shut out; made here unless its public half is given."""
        now = self._registration(agency)
        if now.keys:
            raise NotNow(f"{agency} has a key ({', '.join(now.ids)}): rotate instead")
        known = {one.id for one in self.identities.agency} | ({agency} if now.partnerships else set())
        if agency not in known and not partnerships:
            raise NotNow(f"the issuer does not know {agency}: say where it belongs (--partnership)")
        if agency not in known:
            now = replace(now, partnerships=tuple(partnerships))
        return self._add(agency, now, public)

    def rotate(self, agency: str, public: ECKey | None) -> Told:
        """A second key beside the first: either holds."""
        now = self._registration(agency)
        if not now.keys:
            raise NotNow(f"{agency} has no key: issue one")
        if len(now.keys) > 1:
            raise NotNow(f"{agency} has two keys already ({', '.join(now.ids)}): revoke --old first")
        told = self._add(agency, now, public)
        told.lines.append(f"Key {now.ids[0]} holds as before; once the agency has changed over: revoke {agency} --old")
        return told

    def revoke(self, agency: str, *, old: bool = False, keys_here: Sequence[ECKey] = ()) -> Told:
        """Take all keys away, or all but the newest. `keys_here`: private keys to try, where any are at hand."""
        now = self._registration(agency)
        if not now.keys:
            raise NotNow(f"{agency} has no key: there is nothing to revoke")
        if old and len(now.keys) < 2:
            raise NotNow(f"{agency} has one key alone ({now.ids[0]}): rotate first, or revoke without --old")
        ending = now.keys[:-1] if old else now.keys
        told = Told()
        # A key of this command's own goes the way of the agency's, whose private half is with the agency.
        probe = ECKey.generate_key(CURVE)
        self.register.write(agency, replace(now, keys=(*now.keys, probe)))
        told.tried.append(Tried(f"a key registered for {agency} gets a token", DONE, self.ask(agency, probe)))
        self.register.write(agency, replace(now, keys=now.keys[len(ending) :]))
        told.tried.append(Tried("the same key, taken away with the others, gets one", REFUSED, self.ask(agency, probe)))
        told.lines += [f"Key {key.thumbprint()} of {agency} is taken away" for key in ending]
        told.tried += self._tried(agency, keys_here)
        told.lines.append(
            f"A token given before holds until it ends, {TOKEN_LIVES // 60} minutes at most; to shut the agency out at"
            " once, withdraw it or end its agreement."
        )
        return told

    def prove(self, agency: str, keys_here: Sequence[ECKey]) -> Told:
        """Ask for a token with each key at hand: those registered get one, others do not."""
        told = self.listed(agency)
        told.tried += self._tried(agency, keys_here)
        return told

    def listed(self, agency: str) -> Told:
        """Which keys are registered."""
        ids = self._registration(agency).ids
        return Told([f"HTTPS: key {one} is registered" for one in ids] or [f"HTTPS: {agency} has no key"])

    def ask(self, agency: str, key: ECKey) -> str:
        """`done` or `refused`. Raises NotNow when the issuer does not answer: that proves nothing."""
        endpoint = f"{self.issuer.rstrip('/')}/token"
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": assertion(agency, endpoint, key, now=time.time()),
            "resource": audience_of("gateway"),
        }
        try:
            answer = httpx.post(endpoint, data=form, timeout=10)
        except httpx.HTTPError as failure:
            raise NotNow(f"the issuer at {self.issuer} does not answer ({type(failure).__name__})") from None
        if answer.status_code == 200:
            return DONE
        refused = answer.status_code in (400, 401) and answer.json().get("error") == "invalid_client"
        return REFUSED if refused else f"answer {answer.status_code}"

    def _add(self, agency: str, now: Registration, public: ECKey | None) -> Told:
        key = public or ECKey.generate_key(CURVE)
        if key.thumbprint() in now.ids:
            raise NotNow("that key is registered already: the agency must make another")
        self.register.write(agency, replace(now, keys=(*now.keys, key)))
        told = Told([f"Key {key.thumbprint()} is registered for {agency}"])
        if public is None:
            told.secrets[f"{agency}.{key.thumbprint()[:8]}.pem"] = key.as_pem(private=True).decode()
            told.tried.append(Tried(f"the new key of {agency} gets a token", DONE, self.ask(agency, key)))
        else:
            told.lines.append("Its private half is with the agency, which tries it: sx doctor")
        stranger = self.ask(agency, ECKey.generate_key(CURVE))
        told.tried.append(Tried(f"a key that nobody registered for {agency} gets a token", REFUSED, stranger))
        return told

    def _tried(self, agency: str, keys_here: Sequence[ECKey]) -> list[Tried]:
        registered = set(self._registration(agency).ids)
        return [
            Tried(
                f"key {key.thumbprint()} of {agency} gets a token",
                DONE if key.thumbprint() in registered else REFUSED,
                self.ask(agency, key),
            )
            for key in keys_here
        ]

    def _registration(self, agency: str) -> Registration:
        if not AGENCY_ID.fullmatch(agency):
            raise NotNow("that is no agency's id: lower-case letters, digits and hyphens, from a letter on")
        others = (self.identities.service, self.identities.application, self.identities.person)
        if agency in {one.id for kind in others for one in kind}:
            raise NotNow(f"{agency} is a service, a program or a person here, not an agency")
        return self.register.read(agency)


def for_another_issuer(what: str, agency: str, public: ECKey | None, *, old: bool = False) -> Told:
    """What whoever runs the sign-in provider must do there, since it is not the embedded issuer."""
    key = json.dumps(public.as_dict(private=False)) if public else "(the public key that the agency sends, as a JWK)"
    claims = f'kind "agency", agency "{agency}", its partnerships; audience {audience_of("gateway")}'
    todo = {
        "issue": f"register a client with the id {agency}, method private_key_jwt (ES256), claims {claims}, and this"
        f" key: {key}",
        "rotate": f"add this key to those of the client {agency}, and keep the one it has: {key}",
        "revoke": f"take {'the older key' if old else 'every key'} of the client {agency} away"
        + ("" if old else " and disable it"),
        "list": f"look at the keys of the client {agency}",
        "prove": f"have the agency run sx doctor, which asks for a token as {agency}",
    }[what]
    return Told([f"HTTPS: your sign-in provider is not the embedded issuer. There, {todo}."])
