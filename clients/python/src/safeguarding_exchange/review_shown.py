"""How reviews are shown to people: what waits, the clock with its reckoning, the plan day by day, who answered."""

from typing import Any

from rich.markup import escape

from safeguarding_exchange import shown

PURPOSE = (
    "A review is to learn how children can be kept safer. It holds no individual and no agency to account: employers, "
    "regulators and courts do that, in processes of their own that can run beside it."
)
CLOCKS = {
    "T06a": "rapid review to the Panel, counted from the notification",
    "T06b": "rapid review to the Panel, counted from awareness",
    "T08": "the Panel's reply is expected (no breach if it is not there)",
    "T09": "publish the practice review",
}
TASKS = {
    "requests_out": "requests to the agencies",
    "returns_due": "answers due",
    "case_group": "case group meets",
    "sign_off": "sign-off by the three partners",
    "submit": "submitted to the Panel",
}


def plain(code: Any) -> str:
    """A code as people say it."""
    return "" if code is None else str(code).replace("_", " ")


def glance(one: dict[str, Any]) -> list[Any]:
    """A row of the list: the incident's reviews, the next thing that waits, and by when."""
    parts = [one[name] for name in ("review", "practiceReview") if name in one]
    waits = [wait for part in parts for wait in part.get("waits", ())]
    first = min(waits, key=lambda wait: str(wait.get("due") or "9999"), default=None)
    states = [f"{kind}: {plain(one[name].get('status'))}" for name, kind in KINDS if one.get(name, {}).get("status")]
    asked = [] if states else ["you are asked" if waits else "you were asked"]
    return [f"{'; '.join(states or asked)}\n{one['incident']}", _wait(first) if first else "", due_of(first)]


KINDS = (("review", "rapid review"), ("practiceReview", "practice review"))


def due_of(wait: dict[str, Any] | None) -> str:
    """By when, and whether that has passed."""
    if wait is None:
        return ""
    return shown.day(wait.get("due")) + (" [bold red]overdue[/bold red]" if wait.get("overdue") else "")


def _wait(wait: dict[str, Any]) -> str:
    whose = wait.get("agency") or wait.get("partner")
    return f"{plain(wait['what'])}{f' ({escape(plain(whose))})' if whose else ''}"


def incident(told: dict[str, Any]) -> None:
    """Both reviews of an incident."""
    shown.console.print(f"[bold]{told['incident']}[/bold]  {told.get('partnership', '')}")
    shown.console.print(f"[dim]{PURPOSE}[/dim]")
    if "review" in told:
        _rapid(told["review"])
    if "practiceReview" in told:
        practice(told["practiceReview"])


def _rapid(review: dict[str, Any]) -> None:
    if review.get("status"):
        ended = review.get("cancelled") or review.get("closed")
        because = f", {plain(ended)}" if ended else ""
        shown.console.print(f"\n[bold]Rapid review:[/bold] {plain(review['status'])}{because}")
    if review.get("portalTime"):
        shown.console.print(f"  notified {shown.instant(review['portalTime'])}")
    clocks(review.get("clocks", []))
    if "plan" in review:
        plan(review["plan"])
    if review.get("requests"):
        shown.table("Asked", ["agency", "due", "standing", "versions"], [_request(one) for one in review["requests"]])
    for meeting in review.get("meetings", []):
        quorum = "with all three partners" if meeting["quorate"] else "[bold red]without a quorum[/bold red]"
        shown.console.print(f"  met {shown.instant(meeting['heldAt'])}, {quorum}")
    if review.get("gaps"):
        shown.console.print(f"  goes on without: {', '.join(review['gaps'])}")
    for version in review.get("versions", []):
        _version(version)
    for filed in review.get("submissions", []):
        reply = f"; the Panel {plain(filed['panel'])}" if filed.get("panel") else ""
        shown.console.print(f"  reached the Panel {shown.instant(filed['at'])}{reply}")
    waits(review.get("waits", []))


def _request(one: dict[str, Any]) -> list[Any]:
    chased = [plain(level) for level in ("reminder", "overdue", "escalated") if level in one.get("chased", ())]
    state = "[bold red]overdue[/bold red]" if one.get("overdue") else plain(one["status"])
    told = "; ".join([state, *([f"told: {', '.join(chased)}"] if chased else [])])
    return [f"{one['agency']}\n{one['request']}", shown.day(one.get("due")), told, _returns(one.get("versions", []))]


def _returns(versions: list[dict[str, Any]]) -> str:
    flags = (("nil", "nil"), ("late", "late"), ("afterMeeting", "after the meeting"))
    lines = []
    for one in versions:
        marks = [said for flag, said in flags if one.get(flag)]
        marks += [f"{one['outsideScope']} outside the period"] if one.get("outsideScope") else []
        flagged = f" ({', '.join(marks)})" if marks else ""
        lines.append(f"{one['version']}{flagged}")
    return "\n".join(lines)


def _version(one: dict[str, Any]) -> None:
    views = ", ".join(f"{plain(partner)} {view}" for partner, view in one.get("views", {}).items())
    decided = plain((one.get("decision") or {}).get("outcome"))
    signed = ", signed off" if one.get("signedOff") else ""
    shown.console.print(f"  report version {one['version']}: {decided}{signed}{f' ({views})' if views else ''}")


def plan(tasks: list[dict[str, Any]]) -> None:
    """The plan, a working day and its date each."""
    rows = [[one["day"], shown.day(one.get("due")) or "no calendar reaches it", _task(one)] for one in tasks]
    shown.table("Plan", ["working day", "by the end of", "what"], sorted(rows, key=lambda row: int(row[0])))


def _task(one: dict[str, Any]) -> str:
    return escape(str(one["title"])) if one.get("title") else TASKS.get(one["task"], plain(one["task"]))


def clocks(several: list[dict[str, Any]]) -> None:
    """Each clock with every day that it counts and does not count."""
    for one in several:
        late = one.get("workingDaysLate")
        days = f" by {late} working day{'' if late == 1 else 's'}" if late and "late" in str(one["state"]) else ""
        what = CLOCKS.get(one["rule"], "")
        shown.console.print(f"[bold]{one['rule']}[/bold] {what}: {plain(one['state'])}{days}")
        if one.get("sentence"):
            shown.console.print(f"  {escape(one['sentence'])}")
        elif one.get("due"):
            shown.console.print(f"  due by the end of [bold]{shown.day(one['due'])}[/bold]")
        else:
            shown.console.print("  the due day is not known: no calendar covers its dates")


def reckoning(one: dict[str, Any]) -> None:
    """A clock's days, one a line: its number, or why it does not count."""
    rows = [[shown.day(each["day"]), each.get("workingDay", ""), each.get("why", "")] for each in one.get("days", [])]
    shown.table(f"{one['rule']}, day by day", ["day", "working day", "why it does not count"], rows)


def waits(several: list[dict[str, Any]]) -> None:
    """What waits for whom."""
    if several:
        shown.table("Waits for", ["what", "by the end of"], [[_wait(one), due_of(one)] for one in several])


def practice(review: dict[str, Any]) -> None:
    """A practice review: decisions, versions, and the way to publication."""
    state = plain(review.get("status")) or "awaits the partners' decisions"
    if review.get("publishedOn"):
        state = f"published {shown.day(review['publishedOn'])}, {plain(review.get('form'))}"
    shown.console.print(
        f"\n[bold]Practice review:[/bold] {state}{', paused: its clock runs on' if review.get('paused') else ''}"
    )
    for partner, decision in review.get("decisions", {}).items():
        shown.console.print(f"  {plain(partner)} decided {shown.day(decision['on'])}: {plain(decision['basis'])}")
    clocks(review.get("clocks", []))
    if review.get("scale"):
        shown.console.print(f"  scale: {plain(review['scale'])}; led by {', '.join(review.get('reviewers', []))}")
    if review.get("draft"):
        _draft(review["draft"])
    if review.get("planned"):
        planned = review["planned"]
        shown.console.print(f"  publication planned for {shown.day(planned['on'])}, {plain(planned['form'])}")
    if review.get("address"):
        shown.console.print(f"  at {review['address']}")
    if review.get("availableUntil"):
        gone = "[bold red]unpublished[/bold red]; " if review.get("unpublished") else ""
        shown.console.print(f"  {gone}it stays public until {shown.day(review['availableUntil'])} at least")
    waits(review.get("waits", []))


def _draft(draft: dict[str, Any]) -> None:
    found = ", ".join(f"{count} {plain(what)}" for what, count in draft.get("found", {}).items())
    scan = plain(draft.get("scan")) or "not scanned yet"
    copies = ", ".join(f"{plain(who)} {shown.day(on)}" for who, on in draft.get("copies", {}).items()) or "none"
    responded = "agreed" if draft.get("responded") else "not agreed yet"
    shown.console.print(f"  draft version {draft['version']}; response {responded}")
    shown.console.print(f"  scan: {scan}{f' ({found})' if found else ''}; passed by {draft.get('passedBy', 0)} of 2")
    shown.console.print(f"  advance copies: {copies}")
