"""Common names of Madhya Pradesh, by community, so that families share a fitting surname."""

import random
from dataclasses import dataclass, field
from pathlib import Path

from appointments.csv_rows import BadFile, check_unique, read
from appointments.reference import FOLDER

# Roughly as in the state's census; "hindi" are the names shared across the Hindi region.
COMMUNITIES = {"hindi": 74, "muslim": 9, "tribal": 13, "christian": 2, "sikh": 2}
GENDERS = ("f", "m")


@dataclass
class NameBook:
    """Names by (community, gender), surnames by community."""

    first: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    last: dict[str, list[str]] = field(default_factory=dict)

    def community(self, rng: random.Random) -> str:
        return rng.choices(list(COMMUNITIES), weights=list(COMMUNITIES.values()))[0]

    def surname(self, rng: random.Random, community: str) -> str:
        return rng.choice(self.last[community])

    def given(self, rng: random.Random, community: str, gender: str) -> str:
        return rng.choice(self.first[community, gender])


def read_names(folder: Path = FOLDER / "names") -> NameBook:
    """Both files; raises BadFile, also when a community has no names."""
    book = NameBook()
    firsts = read(folder / "first_names.csv", ("name", "gender", "community"))
    check_unique(firsts, ("name", "gender", "community"))
    for row in firsts:
        key = (row.one_of("community", COMMUNITIES), row.one_of("gender", GENDERS))
        book.first.setdefault(key, []).append(row.text("name"))
    lasts = read(folder / "last_names.csv", ("name", "community"))
    check_unique(lasts, ("name", "community"))
    for row in lasts:
        community = row.one_of("community", COMMUNITIES)
        book.last.setdefault(community, []).append(row.text("name"))
    for community in COMMUNITIES:
        if community not in book.last:
            raise BadFile("last_names.csv", f"no name of community {community}")
        for gender in GENDERS:
            if (community, gender) not in book.first:
                raise BadFile("first_names.csv", f"no name of community {community}, {gender}")
    return book
