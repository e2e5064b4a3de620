"""One partnership's agencies as a file of agencies lists them, for tests that agree something else between them."""

PARTNERSHIP = """
[[partnership]]
id = "northshire"
name = "Northshire Safeguarding Children Partnership"
areas = ["E06000991"]
"""


def _agency(id_: str, name: str, kind: str) -> str:
    return f"""
[[agency]]
id = "northshire-{id_}"
name = "Northshire {name}"
type = "{kind}"
areas = ["E06000991"]
partnerships = ["northshire"]
"""


COUNCIL = _agency("council", "Council", "local_authority")
POLICE = _agency("police", "Police", "police_force")
ICB = _agency("icb", "Integrated Care Board", "icb")
