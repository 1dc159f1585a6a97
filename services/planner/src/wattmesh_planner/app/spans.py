"""The spans of the planner, declared before use."""

from wattmesh_runtime.aio.spans import Span

TURN = Span(
    name="loop.turn",
    description="One turn of the loop, until control took the plan; what became of its commands,"
    " hours later, is in the same trace.",
)
MAKE_PLAN = Span(
    name="planner.make_plan",
    description="One attempt at a plan, by scope, start and whether somebody could not wait.",
)
GATHER_FACTS = Span(
    name="planner.gather_facts",
    description="States, prices, forecasts, carbon and the bill so far are asked.",
)
HAND_OVER = Span(
    name="planner.hand_over",
    description="The plan is stored and handed to control, by plan.",
)
