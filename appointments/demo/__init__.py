"""An invented office for trying things out: `manage.py demo` (in demo mode only).

    names      first and last names of the state, from data/names
    people     one person or family of the register
    crowd      everybody who has booked: the seats of past and coming days
    cast       the few with a name and a sign-in, and the officers
    proofs     proofs of travel that wait for an officer
    build      all of it in one transaction; what makes it repeatable
    reset      take everything away again
    accounts   who can sign in, for the console and the demo page

Everything follows from a seeded `random.Random` and today's date: the same two give the same rows.
"""
