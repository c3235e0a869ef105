"""Where an application stands with its urgent travel, for the applicant's pages."""

from dataclasses import dataclass
from datetime import date

from appointments.models import Application, TravelProof

State = TravelProof.State


@dataclass(frozen=True)
class TravelStanding:
    """Several of these can hold at once: one proof counts while another is being checked."""

    # The day of travel for which the application comes first.
    accepted_for: date | None
    accepted: TravelProof | None
    waiting: TravelProof | None
    # The newest one, if it was not accepted and there is still time to send another.
    refused: TravelProof | None

    @property
    def is_empty(self) -> bool:
        return not (self.accepted_for or self.waiting or self.refused)


def of(application: Application, today: date) -> TravelStanding:
    """Read from `application.travel_proofs`, which lists fetch beforehand."""
    proofs = [proof for proof in application.travel_proofs.all() if proof.travel_date > today]
    newest = max(proofs, key=lambda proof: proof.pk, default=None)
    travels = application.travel_date
    counts = application.travel_proof_accepted and travels is not None and travels > today
    return TravelStanding(
        # The register may say so without a proof that was sent here.
        accepted_for=travels if counts else None,
        accepted=next((proof for proof in proofs if proof.state == State.ACCEPTED), None),
        waiting=next((proof for proof in proofs if proof.state == State.WAITING), None),
        refused=newest if newest and newest.state == State.REFUSED else None,
    )
