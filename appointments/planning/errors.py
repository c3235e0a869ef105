"""What the planner refuses, and how it says so."""


class PlanningError(Exception):
    """No plan can be made; the text is one English sentence for officers and logs."""


class ScenarioError(PlanningError):
    """The problem itself is wrong.

    `place` names the spot as a path into the scenario file (`appointments[17].slot`), `message`
    says what is wrong there (`no slot 99`); the text of the error is both, on one line.
    """

    def __init__(self, place: str, message: str) -> None:
        self.place = place
        self.message = message
        super().__init__(f"{place}: {message}")


class InvalidPlanError(PlanningError):
    """A plan breaks a rule of its problem; `violations` lists every breach found."""

    def __init__(self, violations: list[str]) -> None:
        self.violations = violations
        more = f" (and {len(violations) - 1} more)" if len(violations) > 1 else ""
        super().__init__(f"{violations[0]}{more}")
