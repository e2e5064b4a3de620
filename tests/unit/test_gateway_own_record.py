"""A person's own record goes no further than the incidents that the viewer may see."""

from services.gateway.api_records import within


def test_what_is_of_another_incident_is_not_even_named() -> None:
    things = [{"reference": f"vault:{of}", "incident": f"incident-{of}"} for of in (1, 2)]
    record = {"subjects": ["subject-1"], "given": things, "heldBack": [*things, {"incident": None}], "looks": []}
    assert within(record, {"incident-1"}) == record | {"given": things[:1], "heldBack": things[:1]}
