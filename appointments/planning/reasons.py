"""Why a plan moves a person, or finds no seat: a short list of stable codes.

The codes are written to plan files and database rows, so a code never changes its meaning.
The sentences are English, for officers and logs; what applicants read is translated elsewhere.
"""

from enum import StrEnum


class Reason(StrEnum):
    # Why moved, the first that is true:
    SLOT_PAST = "slot_past"
    SLOT_CLOSED = "slot_closed"
    NEARER_DATE = "nearer_date"
    SLOT_FULL = "slot_full"
    # Why without a seat, the first that is true:
    SEATS_TAKEN = "seats_taken"
    NONE_BEFORE_TRAVEL = "none_before_travel"
    NONE_IN_REACH = "none_in_reach"


WHY_MOVED = (Reason.SLOT_PAST, Reason.SLOT_CLOSED, Reason.NEARER_DATE, Reason.SLOT_FULL)
WHY_UNPLACED = (Reason.SEATS_TAKEN, Reason.NONE_BEFORE_TRAVEL, Reason.NONE_IN_REACH)

SENTENCES: dict[Reason, str] = {
    Reason.SLOT_PAST: "The person's own slot has already begun.",
    Reason.SLOT_CLOSED: "No seat is left in the person's own slot after the cut.",
    Reason.NEARER_DATE: (
        "Another seat is closer to the date first promised than the own slot, "
        "by more than the move costs."
    ),
    Reason.SLOT_FULL: (
        "The seats left in the own slot, or on its day, go to people who come first, or for "
        "whom moving would be worse."
    ),
    Reason.SEATS_TAKEN: (
        "Every seat the person may take goes to people of a tier before, or to others of the "
        "same tier, whom it serves better."
    ),
    Reason.NONE_BEFORE_TRAVEL: "No seat the person may take is left before the date of travel.",
    Reason.NONE_IN_REACH: (
        "No centre within reach has a seat of the right kind within the days planned for."
    ),
}
