"""What an officer says on the phone: sentences in both languages, filled with what is true now.

Nothing is asked that would let somebody else act for the person: no ARN, no date of birth, no
code. By phone nobody answers an offer; they hear where they can.
"""

from dataclasses import dataclass

from django.conf import settings

from appointments.call_list import Entry, Person
from appointments.models import Call, Centre, Slot
from notifications import dates, kinds

Subject = Call.Subject
Words = dict[str, str]

OPENING: Words = {
    "hi": "नमस्ते। यह कॉल {office}, {centre} की ओर से है।",
    "en": "Good day. This is a call from the {office}, {centre}.",
}
WHO: Words = {
    "hi": "क्या मेरी बात {names} से हो रही है?",
    "en": "Am I speaking with {names}?",
}
WHO_OF_MANY: Words = {
    "hi": "यह सूचना इनके पासपोर्ट अपॉइंटमेंट के बारे में है: {names}। क्या मेरी बात इनमें से किसी से हो रही है?",
    "en": "It is about the passport appointments of {names}. Am I speaking with one of them?",
}
SAFE: Words = {
    "hi": "आपको कोई नंबर, OTP या भुगतान नहीं देना है। हम फ़ोन पर OTP कभी नहीं माँगते।",
    "en": "You need not tell me any number or pay anything. We never ask for an OTP by phone.",
}
# Before the facts of each, where there are several people.
OF_ONE: Words = {
    "hi": "{name}, एआरएन के अंतिम अंक {a4}:",
    "en": "{name}, application number ending in {a4}:",
}
FACTS: dict[str, Words] = {
    Subject.IN_DOUBT: {
        "hi": "तकनीकी खराबी के कारण {visit} का आपका अपॉइंटमेंट अनिश्चित है। हमारी अगली सूचना तक केंद्र न जाएँ।"
        " आपका शुल्क और अवसर सुरक्षित हैं।",
        "en": "Because of a technical fault your appointment of {visit} is uncertain."
        " Please do not travel to the centre until you hear from us again."
        " Your fee and your attempts are safe.",
    },
    Subject.MOVED_ANSWER: {
        "hi": "आपका नया समय {visit} है। इसे {by} तक स्वीकार करें, वरना सीट छूट जाएगी और आप प्रतीक्षा सूची में"
        " सबसे आगे रहेंगे।",
        "en": "Your new time is {visit}. Please accept it by {by};"
        " otherwise the seat is released and you are first on the waiting list.",
    },
    Subject.MOVED_KEEP: {
        "hi": "आपका नया समय {visit} है। यह मान्य रहेगा। यदि यह समय ठीक न हो, तो {by} तक इसे बदल सकते हैं।",
        "en": "Your new time is {visit}. It stands. If it does not suit you, you can change it"
        " by {by}.",
    },
    Subject.MOVED: {
        "hi": "आपका नया समय {visit} है। यह मान्य है; कृपया समय पर पहुँचें।",
        "en": "Your new time is {visit}. It stands; please come on time.",
    },
    Subject.NO_SEAT: {
        "hi": "अभी नया समय नहीं मिला है। आप प्रतीक्षा सूची में हैं और सीट मिलते ही सूचना दी जाएगी। तब तक केंद्र न"
        " जाएँ। आपका शुल्क और अवसर सुरक्षित हैं।",
        "en": "There is no new time yet. You are on the waiting list and will be told as soon as"
        " there is a seat. Please do not travel to the centre before that."
        " Your fee and your attempts are safe.",
    },
    Subject.SEAT_FOUND: {
        "hi": "आपके लिए एक समय उपलब्ध है: {offered}। इसे {by} तक स्वीकार करें, वरना यह अगले व्यक्ति को दिया"
        " जाएगा।",
        "en": "A time is available for you: {offered}. Please accept it by {by};"
        " otherwise it goes to the next in line.",
    },
    Subject.EARLIER: {
        "hi": "{visit} का आपका अपॉइंटमेंट यथावत है। पहले का एक समय भी उपलब्ध है: {offered}। चाहें तो"
        " उसे {by} तक स्वीकार करें।",
        "en": "Your appointment of {visit} stands. An earlier time is available: {offered}."
        " Accept it by {by} if you wish.",
    },
    Subject.STANDS: {
        "hi": "{visit} का आपका अपॉइंटमेंट यथावत है। कृपया समय पर पहुँचें।",
        "en": "Your appointment of {visit} stands. Please come on time.",
    },
}
# Said before the facts to whoever may still believe in a time that is lost.
LOST: Words = {
    "hi": "तकनीकी खराबी के कारण {old} का आपका अपॉइंटमेंट नहीं होगा। उस समय केंद्र न जाएँ।",
    "en": "Because of a technical fault your appointment of {old} will not take place."
    " Please do not come at that time.",
}
# What they can do about it, where.
ANSWER: Words = {
    "hi": "उत्तर वेबसाइट {site} पर दें: मोबाइल नंबर से लॉग इन करें। वहाँ समय स्वीकार कर सकते हैं,"
    " दूसरी तिथि चुन सकते हैं या अपॉइंटमेंट छोड़ सकते हैं।",
    "en": "Give your answer on {site}: sign in with your mobile number. There you can accept the"
    " time, choose another one, or give the appointment up.",
}
OFFER: Words = {
    "hi": "उत्तर वेबसाइट {site} पर दें: मोबाइल नंबर से लॉग इन करें। वहाँ इसे स्वीकार या अस्वीकार कर सकते हैं।",
    "en": "Give your answer on {site}: sign in with your mobile number. There you can accept it or"
    " decline it.",
}
LOOK: Words = {
    "hi": "अपनी स्थिति वेबसाइट {site} पर देख सकते हैं: मोबाइल नंबर से लॉग इन करें।",
    "en": "You can see how it stands on {site}: sign in with your mobile number.",
}
WAIT: Words = {
    "hi": "वेबसाइट {site} पर मोबाइल नंबर से लॉग इन करके आप स्वयं भी कोई खाली समय चुन सकते हैं,"
    " या प्रतीक्षा सूची छोड़ सकते हैं।",
    "en": "On {site}, signed in with your mobile number, you can also choose a free time yourself,"
    " or leave the waiting list.",
}
WAYS: dict[str, Words] = {
    Subject.MOVED_ANSWER: ANSWER,
    Subject.MOVED_KEEP: ANSWER,
    Subject.SEAT_FOUND: OFFER,
    Subject.EARLIER: OFFER,
    Subject.NO_SEAT: WAIT,
}
BRING: Words = {
    "hi": "मूल दस्तावेज़ साथ लाएँ और 15 मिनट पहले पहुँचें।",
    "en": "Bring your original documents and come 15 minutes early.",
}
COMES = (Subject.MOVED_ANSWER, Subject.MOVED_KEEP, Subject.MOVED, Subject.STANDS, Subject.EARLIER)
HELP: Words = {
    "hi": "सहायता के लिए हेल्पलाइन {helpline} पर बात करें। असुविधा के लिए खेद है। धन्यवाद।",
    "en": "For help call the helpline {helpline}. We are sorry for the trouble. Thank you.",
}


@dataclass(frozen=True)
class Script:
    """Sentences in the order in which they are said, in one language.

    `told`: of each person, who it is (empty where there is one) and what they have to hear.
    """

    language: str
    opening: list[str]
    told: list[tuple[str, list[str]]]
    closing: list[str]


def scripts_of(entry: Entry, *, centre: Centre) -> list[Script]:
    """What to say, in each language; the language of the person (of the first one) first."""
    _phone, _email, first = entry.lead.appointment.contact
    ordered = sorted(kinds.LANGUAGES, key=lambda language: language != first)
    return [_script(entry, centre, language) for language in ordered]


def _script(entry: Entry, centre: Centre, language: str) -> Script:
    names = [person.appointment.application.name for person in entry.people]
    several = len(names) > 1
    office = settings.OFFICE_NAME_EN if language == "en" else settings.OFFICE_NAME_HI
    contact = {"site": settings.SITE_HOST, "helpline": settings.HELPLINE}
    ways = [WAYS.get(p.subject, LOOK)[language].format(**contact) for p in entry.people]
    return Script(
        language=language,
        opening=[
            OPENING[language].format(office=office, centre=centre.name_in(language)),
            (WHO_OF_MANY if several else WHO)[language].format(names=", ".join(names)),
            SAFE[language],
        ],
        told=[
            (_whose(person, language) if several else "", facts(person, language))
            for person in entry.people
        ],
        closing=[
            *([BRING[language]] if any(p.subject in COMES for p in entry.people) else []),
            *dict.fromkeys(ways),
            HELP[language].format(**contact),
        ],
    )


def _whose(person: Person, language: str) -> str:
    application = person.appointment.application
    return OF_ONE[language].format(name=application.name, a4=application.arn_tail)


def facts(person: Person, language: str) -> list[str]:
    """How it stands with one person, in sentences."""
    question = person.question
    said = FACTS[person.subject][language].format(
        visit=_place(person.visit, language),
        offered=_place(question.new_slot if question else None, language),
        by=dates.long_moment(question.deadline, language) if question else "",
    )
    lost = [LOST[language].format(old=_place(person.old, language))] if person.old else []
    return [*lost, said]


def _place(slot: Slot | None, language: str) -> str:
    if slot is None:
        return ""
    return f"{dates.long_moment(slot.starts_at, language)}, {slot.centre.name_in(language)}"
