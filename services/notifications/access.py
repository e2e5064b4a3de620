"""What of a notification a caller may see: the one decision of `contracts.access`, on what is known of the case."""

from contracts.access import Matter, Party, sees_addresses, visible_fields
from contracts.ceilings import Fields
from contracts.directory import Directory
from services.notifications.case import Case
from services.notifications.notification import Delay, Notification, Written, awaits_reason
from services.notifications.recipients import recipients

NATIONAL = frozenset({"panel", "department", "ofsted"})


def matter_of(case: Case, state: Notification, directory: Directory) -> Matter:
    """The case as far as access depends on it; the national bodies take part once it was submitted to them."""
    authorities = {directory.authorities[area].id for area in case.areas if area in directory.authorities}
    partners = {agency.id for area in (*case.areas, *case.other_areas) for agency in directory.partners(area)}
    national = NATIONAL & set(recipients(state.grounds)) if state.filed else frozenset()
    matter = Matter(
        partnership=case.partnership,
        referrers=case.referrers,
        participants=frozenset(authorities | partners | national),
        areas=case.areas,
    )
    return case.exclusions.on(matter)


def may_see(party: Party, case: Case, state: Notification, directory: Directory) -> bool:
    """Whether the notification exists for this party at all."""
    return _sight(party, case, state, directory) is not None


def may_see_content(party: Party, case: Case, state: Notification, directory: Directory) -> bool:
    """Whether the party may be shown what stands in it: never an alleged perpetrator's side, as addresses do."""
    sight = _sight(party, case, state, directory)
    return sight is not None and "content" in sight and sees_addresses(party, matter_of(case, state, directory))


def versions_for(party: Party, case: Case, state: Notification, directory: Directory) -> tuple[Written, ...]:
    """The versions that exist for the party: of a draft that was never filed only those hear who may read drafts.

    Once it is filed what is written is an amendment, and is filed too. What was recalled is the authority's alone, or
    everybody's but its wrong recipients'.
    """
    matter = matter_of(case, state, directory)
    drafts = visible_fields(party, "notification.drafted", directory.agreement_on(party.agency, matter), matter)
    kept = tuple(written for written in state.versions if not _withheld(party, case, written.fact, directory))
    if state.filed is None or (drafts is not None and "content" in drafts):
        return kept
    return tuple(written for written in kept if written.number >= (state.filed.version or 0))


def delay_for(party: Party, case: Case, state: Notification, directory: Directory) -> Delay:
    """Why it was late, for a party that may see what stands in it: a reason that was recalled is not told."""
    told = [one.words for one in state.delay_reasons if not _withheld(party, case, one.fact, directory)]
    return Delay(tuple(told), awaits_reason(state, case))


def _withheld(party: Party, case: Case, fact: str, directory: Directory) -> bool:
    """Whether a fact was taken back from this party. The authority that holds the duty has to see it."""
    host = directory.authorities.get(case.host_authority)
    wrong = case.recalled.get(fact)
    if wrong is None or (host is not None and host.id == party.agency):
        return False
    return not wrong or party.agency in wrong


def _sight(party: Party, case: Case, state: Notification, directory: Directory) -> Fields | None:
    if state.filed and _withheld(party, case, state.filed_fact, directory):
        return None
    name = "notification.submitted" if state.filed else "notification.drafted"
    matter = matter_of(case, state, directory)
    return visible_fields(party, name, directory.agreement_on(party.agency, matter), matter)
