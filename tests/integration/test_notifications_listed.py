"""A list of notifications tells nothing of those that the caller may not see; on a real PostgreSQL."""

from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
from sqlalchemy import MetaData, insert

from contracts.identifiers import mint
from services.notifications.api import Shelf, notifications_router
from services.notifications.tables import notification
from shared.assembly import by_subject
from shared.database import Database
from shared.eventlog import EventLog, log_tables
from shared.http import Cursors, service_app
from shared.identity import ON_BEHALF_OF, Caller, caller
from shared.migrate import upgrade
from tests.notifications import NOW
from tests.stacks import Stack

ROW = {
    "partnership": "northshire",
    "status": "draft",
    "version": 1,
    "grounds": [],
    "without_approval": False,
    "changed_at": NOW,
}


async def test_where_none_of_a_partnerships_notifications_is_shown_there_is_no_next_page(stack: Stack) -> None:
    service = stack.create_database(f"listed_{uuid4().hex[:8]}")
    await upgrade(Path("services/notifications/migrations"), service.owner_url, service.runtime_role)
    database = Database(service.runtime_url, pool_size=2)
    nothing_is_copied: Any = None
    try:
        async with database.transaction() as tx:
            rows = [ROW | {"incident": mint("incident")} for _ in range(3)]
            await tx.connection.execute(insert(notification), rows)
        log = EventLog("notifications", log_tables(MetaData()), by_subject)
        shelf = Shelf(database, log, nothing_is_copied, Cursors(b"a key that only tests have"))
        app = service_app(title="Notifications", service="notifications", routers=[notifications_router(shelf)])
        app.dependency_overrides[caller] = lambda: Caller("service", "gateway", roles=frozenset({"gateway"}))
        member = Caller("agency", "northshire-academy", "northshire-academy", partnerships=frozenset({"northshire"}))
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://notifications.test") as http:
            answer = await http.get(
                "/v1/notifications", params={"limit": 1}, headers={ON_BEHALF_OF: member.to_header()}
            )
    finally:
        await database.close()
    assert answer.json() == {"items": [], "next": None}
