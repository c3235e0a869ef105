"""A refusal: one rule, one code, one sentence in the reader's language."""

from typing import Any

from django.utils.translation import gettext_lazy as _

# Every refusal of the domain. The form, the API and the log show the same code; the sentence is
# translated when it is shown. Named placeholders only.
MESSAGES = {
    "application_not_found": _(
        "We found no application with this number and date of birth. Check both on your receipt."
    ),
    "application_claimed": _(
        "This application is already linked to another mobile number. If that was not you, "
        "call the helpline."
    ),
    "phone_not_verified": _("Sign in with a code sent to your mobile number first."),
    "not_yours": _("This appointment does not belong to your account."),
    "in_doubt": _(
        "Your appointment is in doubt because of the outage. Please wait for our message; you do "
        "not lose your fee or an attempt."
    ),
    "no_attempts_left": _(
        "All dates that this fee allows have been used. The passport office can tell you what to "
        "do next."
    ),
    "visit_done": _("Your visit is completed. This application needs no further appointment."),
    "slot_not_found": _("This time does not exist. Choose another one."),
    "slot_full": _("This time is now full. Choose another one."),
    "slot_paused": _(
        "No seats are given out here at the moment because of the outage. Choose another date or "
        "centre."
    ),
    "slot_too_soon": _("This time is too close. Choose a later one."),
    "wrong_quota": _("This time is for another kind of application. Choose another one."),
    "wrong_region": _("This centre belongs to another passport office."),
    "same_slot": _("This is the time you already have."),
    "hold_expired": _("The seat was kept for {minutes} minutes and is free again. Choose a time."),
    "appointment_started": _("This appointment has already begun and can no longer be changed."),
    "appointment_ended": _("This appointment has ended and can no longer be changed."),
    "offer_not_found": _("This link is not valid. Check that you opened it whole."),
    "offer_not_live": _("This link is not active yet. Please try again in a few minutes."),
    "offer_needs_another_answer": _(
        "This time is yours already. Accept it, choose another time, or give the appointment up."
    ),
    "already_booked": _("You have an appointment already. Cancel it first to join the line."),
    "offer_ended": _("This question has been answered, or the time to answer it is over."),
    "outage_not_open": _("This outage has ended."),
    "outage_ends_before_it_began": _("The expected end lies before the outage began."),
    "outage_grace_over": _("The ten minutes in which a declaration can be taken back have passed."),
    "notices_paused": _(
        "The notices are paused: none would leave. Let their batch go on, or take the outage back."
    ),
    "notices_taken_back": _(
        "The notices were taken back: none would leave. They can be sent again."
    ),
    "outage_has_plan": _("A plan of this outage has been applied. Undo it first."),
    "plan_in_grace": _("A plan has just been applied. Undo it, or wait until its grace has ended."),
    "cut_invalid": _("Line {line}: {problem}"),
    "scope_empty": _("Choose at least one centre that this outage touches."),
    "not_permitted": _("You are not permitted to do this."),
    "plan_not_prepared": _("This plan is no longer waiting for approval."),
    "plan_not_approved": _("This plan has not been approved."),
    "plan_changed": _("The plan has changed since you saw it. Look at it again."),
    "plan_out_of_bounds": _(
        "The situation has changed and the plan would exceed what was approved."
    ),
    "plan_waits": _("A plan approved by one officer alone may be applied from {at} on."),
    "plan_not_undoable": _("The ten minutes in which a plan can be undone have passed."),
    "plan_nobody": _("No slot is over-subscribed: there is nobody to move."),
    "planning_failed": _("No plan could be made, and nothing was changed: {problem}"),
    "lone_reason_missing": _("You prepared this plan. Give a reason to approve it alone."),
    "lone_not_allowed": _("This plan must be approved by a second officer."),
    "hour_past": _("Give an hour to come: this one has passed."),
    "hour_far": _("Give an hour within the next {days} days."),
    "hour_before_wait": _(
        "You approve this plan alone: it may be applied from {at} on. Give a later hour."
    ),
    "hour_not_yours": _("Only the officer who approved this plan can give it an hour."),
    "hour_needs_approval": _("Only a plan that is approved and not yet applied has an hour."),
    "visit_too_early": _("This visit has not begun yet."),
    "visit_without_seat": _("This person is on the waiting list and has no visit to mark."),
    "visit_in_doubt": _(
        "This person was told not to travel because of the outage, so that is not a missed visit."
    ),
    "busy": _("Too many people are doing this at the moment. Please try again."),
    "bounds_too_small": _("The plan already exceeds these limits: {problem}"),
    # Urgent travel: the date, the review, the file
    "travel_date_passed": _("The travel date must be after today."),
    "travel_date_far": _("The travel date must be within {days} days from today."),
    "proof_waiting": _(
        "A proof of yours is being checked. Withdraw it if you want to send another one."
    ),
    "proof_not_found": _("There is no such proof, or it is not yours."),
    "proof_ended": _("This proof was withdrawn or replaced, or its travel date has passed."),
    "proof_decided": _("Somebody has decided about this proof meanwhile. Look at it again."),
    "file_missing": _("Choose the file with your ticket or visa."),
    "file_too_large": _("The file is larger than {megabytes} MB. Choose a smaller one."),
    "file_kind": _(
        "This is not a PDF and not a photo in JPEG, PNG or WebP. Of an iPhone photo (HEIC) take a "
        "screenshot and send that."
    ),
    "file_damaged": _("The file is damaged and cannot be opened. Save or photograph it anew."),
    "file_mixed": _("The file holds another file in it. Photograph the ticket and send the photo."),
    "photo_too_large": _(
        "The photo has too many pixels. Take one with less resolution, or a screenshot."
    ),
    "pdf_locked": _("The PDF is locked with a password. Send it without one, or a screenshot."),
    "pdf_too_long": _("The PDF has more than {pages} pages. Send only the pages with the journey."),
    # The call list
    "call_not_needed": _("Nobody has to call this person any more."),
    "call_taken": _("Another officer is calling this person."),
    "call_not_taken": _("Take the call first: it was given back, or has been recorded."),
    "call_changed": _(
        "What this person has to be told has changed meanwhile. Read the new text to them."
    ),
    "call_back_when": _("Give a time to call again within the next {days} days."),
    "call_back_at_night": _("Nobody is called between 21:00 and 08:00. Give a time by day."),
    "call_back_after_visit": _(
        "Give a time before the visit: called after it, they may have come in vain."
    ),
    "call_no_number": _("No phone number is known of this person."),
    "pdf_active": _(
        "The PDF holds programs, forms or attachments. Send a screenshot of it, or print it to a "
        "new PDF."
    ),
}


class Refusal(Exception):
    """A rule says no. Nothing was changed.

    `code` is stable and stands in API answers and logs; `message` is for people.
    """

    def __init__(self, code: str, **values: Any) -> None:
        super().__init__(code)
        self.code = code
        self.values = values

    @property
    def message(self) -> str:
        return str(MESSAGES[self.code]).format(**self.values)
