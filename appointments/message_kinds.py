"""What an applicant is told about an appointment, in the words filed for each kind.

Who is told what, when: appointments/messages.py. A kind repeats after an unknown outcome where
someone who was not told would travel for nothing or lose a seat.
"""

from dataclasses import replace

from appointments.samples import longest_values, longest_values_of_alerts
from notifications.kinds import OFFERS, Kind, register

# Whoever holds the link may answer in the applicant's place.
LINK = frozenset({"url"})
# By name: kinds are registered before models can be imported.
ONE_BY_ONE = "appointments.messages.one_by_one"

HOLD = Kind(
    code="HOLD",
    sms={
        "hi": "ARN ..{a4}: सर्वर खराबी के कारण {d} का अपॉइंटमेंट अनिश्चित है।"
        " अगले SMS तक केंद्र न जाएँ। {url} {brand}",
        "en": "ARN ..{a4}: server fault, your appointment of {d} is uncertain."
        " Do not travel before our next SMS. {url} {brand}",
    },
    email_template="messages/email/hold",
    repeat_unknown=True,
    secrets=LINK,
)
STANDS = Kind(
    code="STANDS",
    sms={
        "hi": "ARN ..{a4}: {dt}, {psk} का अपॉइंटमेंट यथावत है। समय पर पहुँचें। {brand}",
        "en": "ARN ..{a4}: your appointment {dt}, {psk} stands. Please come on time. {brand}",
    },
    email_template="messages/email/stands",
    repeat_unknown=True,
    secrets=LINK,
)
MOVED_KEEP = Kind(
    code="MOVED_KEEP",
    lane=OFFERS,
    sms={
        "hi": "ARN ..{a4}: नया समय {dt}, {psk}। {by} तक बदलें, वरना यही मान्य: {url} {brand}",
        "en": "ARN ..{a4}: new time {dt}, {psk}."
        " It stands unless you change it by {by}: {url} {brand}",
    },
    email_template="messages/email/moved_keep",
    repeat_unknown=True,
    secrets=LINK,
)
MOVED_ANSWER = Kind(
    code="MOVED_ANSWER",
    lane=OFFERS,
    sms={
        "hi": "ARN ..{a4}: नया समय {dt}, {psk}। {by} तक स्वीकारें, वरना सीट छूटेगी: {url} {brand}",
        "en": "ARN ..{a4}: new time {dt}, {psk}."
        " Accept by {by} or the seat is released: {url} {brand}",
    },
    email_template="messages/email/moved_answer",
    repeat_unknown=True,
    secrets=LINK,
)
# Several people behind one phone: one SMS with their number instead of one each. No ARN: the page
# behind the link lists them.
MOVED_MANY_KEEP = Kind(
    code="MOVED_MANY_KEEP",
    lane=OFFERS,
    sms={
        "hi": "पासपोर्ट के {n} आवेदनों के नए समय तय हुए। {by} तक बदलें, वरना यही मान्य: {url} {brand}",
        "en": "New times for {n} passport applications."
        " They stand unless you change them by {by}: {url} {brand}",
    },
    email_template="messages/email/moved_many_keep",
    repeat_unknown=True,
    secrets=LINK,
)
MOVED_MANY_ANSWER = Kind(
    code="MOVED_MANY_ANSWER",
    lane=OFFERS,
    sms={
        "hi": "पासपोर्ट के {n} आवेदनों के नए समय तय हुए। {by} तक स्वीकारें, वरना सीटें छूटेंगी: {url} {brand}",
        "en": "New times for {n} passport applications."
        " Accept them by {by} or the seats are released: {url} {brand}",
    },
    email_template="messages/email/moved_many_answer",
    repeat_unknown=True,
    secrets=LINK,
)
# One plan that does not do the same with all of them: the page says what holds for each.
MIXED_MANY_KEEP = Kind(
    code="MIXED_MANY_KEEP",
    lane=OFFERS,
    sms={
        "hi": "पासपोर्ट के {n} आवेदन: कुछ के समय बदले। जाने से पहले सूची देखें,"
        " {by} तक बदल सकते हैं: {url} {brand}",
        "en": "Passport applications: {n}. Some have new times: see the list before you travel,"
        " change by {by}: {url} {brand}",
    },
    repeat_unknown=True,
    secrets=LINK,
)
MIXED_MANY_ANSWER = Kind(
    code="MIXED_MANY_ANSWER",
    lane=OFFERS,
    sms={
        "hi": "पासपोर्ट के {n} आवेदन: कुछ के समय बदले। नए समय {by} तक स्वीकारें,"
        " वरना सीटें छूटेंगी: {url} {brand}",
        "en": "Passport applications: {n}. Some have new times. Accept those by {by}"
        " or the seats are released: {url} {brand}",
    },
    repeat_unknown=True,
    secrets=LINK,
)
MIXED_MANY = Kind(
    code="MIXED_MANY",
    sms={
        "hi": "पासपोर्ट के {n} आवेदन: कुछ के अपॉइंटमेंट यथावत, कुछ प्रतीक्षा सूची में।"
        " जाने से पहले देखें: {url} {brand}",
        "en": "Passport applications: {n}. Some appointments stand, some are on the waiting list."
        " See which before you travel: {url} {brand}",
    },
    repeat_unknown=True,
    secrets=LINK,
)
HOLD_MANY = Kind(
    code="HOLD_MANY",
    sms={
        "hi": "सर्वर खराबी: पासपोर्ट के {n} अपॉइंटमेंट अनिश्चित। अगले SMS तक केंद्र न जाएँ। सूची: {url} {brand}",
        "en": "Server fault: passport appointments uncertain: {n}."
        " Do not travel before our next SMS. List: {url} {brand}",
    },
    repeat_unknown=True,
    secrets=LINK,
)
STANDS_MANY = Kind(
    code="STANDS_MANY",
    sms={
        "hi": "पासपोर्ट के {n} अपॉइंटमेंट यथावत हैं। समय पर पहुँचें। सूची: {url} {brand}",
        "en": "Passport appointments that stand: {n}. Please come on time. List: {url} {brand}",
    },
    repeat_unknown=True,
    secrets=LINK,
)
NO_SEAT_MANY = Kind(
    code="NO_SEAT_MANY",
    sms={
        "hi": "पासपोर्ट के {n} आवेदनों को अभी नया समय नहीं मिला। वे प्रतीक्षा सूची में हैं;"
        " शुल्क व अवसर सुरक्षित। {url} {brand}",
        "en": "Passport applications without a new time yet: {n}."
        " They are on the waiting list; fee and attempts are safe. {url} {brand}",
    },
    repeat_unknown=True,
    secrets=LINK,
)
RELEASED_MANY = Kind(
    code="RELEASED_MANY",
    sms={
        "hi": "उत्तर न मिलने से पासपोर्ट के {n} समय निरस्त।"
        " आवेदन प्रतीक्षा सूची में आगे हैं; शुल्क सुरक्षित। {url} {brand}",
        "en": "No answer, so the times of passport applications were released: {n}."
        " They are first in the waiting list; fee safe. {url} {brand}",
    },
    repeat_unknown=True,
    secrets=LINK,
)
REMIND_MANY_ANSWER = Kind(
    code="REMIND_MANY_ANSWER",
    lane=OFFERS,
    sms={
        "hi": "पासपोर्ट के {n} आवेदनों के नए समय {by} तक स्वीकारें, वरना सीटें छूटेंगी: {url} {brand}",
        "en": "Passport applications to answer: {n}. Accept the new times by {by}"
        " or the seats are released: {url} {brand}",
    },
    repeat_unknown=True,
    one_by_one=ONE_BY_ONE,
    secrets=LINK,
)
VISIT_MANY = Kind(
    code="VISIT_MANY",
    sms={
        "hi": "स्मरण: {d} को पासपोर्ट के {n} अपॉइंटमेंट। मूल दस्तावेज़ व SMS साथ लाएँ।"
        " समय व केंद्र: {url} {brand}",
        "en": "Reminder: passport appointments on {d}: {n}. Bring originals and SMS."
        " Times and centres: {url} {brand}",
    },
    must_reach=False,  # they have been told of the visits; this only reminds them
    one_by_one=ONE_BY_ONE,
    secrets=LINK,
)
REMIND_ANSWER = Kind(
    code="REMIND_ANSWER",
    lane=OFFERS,
    sms={
        "hi": "ARN ..{a4}: {dt} का नया समय {by} तक स्वीकारें, वरना सीट छूटेगी: {url} {brand}",
        "en": "ARN ..{a4}: accept the new time {dt} by {by} or the seat is released: {url} {brand}",
    },
    email_template="messages/email/remind_answer",
    repeat_unknown=True,
    secrets=LINK,
)
RELEASED = Kind(
    code="RELEASED",
    sms={
        "hi": "ARN ..{a4}: उत्तर न मिलने से समय निरस्त।"
        " आप प्रतीक्षा सूची में आगे हैं; शुल्क सुरक्षित। {url} {brand}",
        "en": "ARN ..{a4}: no answer, so the time was released."
        " You are first in the waiting list; fee safe. {url} {brand}",
    },
    email_template="messages/email/released",
    repeat_unknown=True,
    secrets=LINK,
)
NO_SEAT = Kind(
    code="NO_SEAT",
    sms={
        "hi": "ARN ..{a4}: अभी नया समय नहीं मिला।"
        " आप प्रतीक्षा सूची में हैं; शुल्क व अवसर सुरक्षित। {url} {brand}",
        "en": "ARN ..{a4}: no new time yet."
        " You are on the waiting list; fee and attempts are safe. {url} {brand}",
    },
    email_template="messages/email/no_seat",
    repeat_unknown=True,
    secrets=LINK,
)
REPLACED = Kind(
    code="REPLACED",
    lane=OFFERS,
    sms={
        "hi": "ARN ..{a4}: पिछला समय रद्द; नया {dt}, {psk}। {by} तक बदल सकते हैं: {url} {brand}",
        "en": "ARN ..{a4}: the last time is withdrawn; new {dt}, {psk}."
        " Change by {by}: {url} {brand}",
    },
    email_template="messages/email/replaced",
    repeat_unknown=True,
    secrets=LINK,
)
EARLIER = Kind(
    code="EARLIER",
    lane=OFFERS,
    sms={
        "hi": "ARN ..{a4}: पहले का समय उपलब्ध: {dt}, {psk}। चाहें तो {by} तक लें: {url} {brand}",
        "en": "ARN ..{a4}: earlier time available: {dt}, {psk}."
        " Take it by {by} if you wish: {url} {brand}",
    },
    email_template="messages/email/earlier",
    secrets=LINK,
)
SEAT_FOUND = Kind(
    code="SEAT_FOUND",
    lane=OFFERS,
    sms={
        "hi": "ARN ..{a4}: समय उपलब्ध: {dt}, {psk}। {by} तक स्वीकारें: {url} {brand}",
        "en": "ARN ..{a4}: a time is available: {dt}, {psk}. Accept by {by}: {url} {brand}",
    },
    email_template="messages/email/seat_found",
    repeat_unknown=True,
    secrets=LINK,
)
CONFIRMED = Kind(
    code="CONFIRMED",
    must_reach=False,  # they did it themselves, and the page told them
    sms={
        "hi": "पुष्टि: {dt}, {psk}। ARN ..{a4}। 15 मिनट पहले पहुँचें। यह SMS व मूल दस्तावेज़ साथ लाएँ। {brand}",
        "en": "Confirmed: {dt}, {psk}. ARN ..{a4}."
        " Come 15 minutes early with this SMS and originals. {brand}",
    },
    email_template="messages/email/confirmed",
    secrets=LINK,
)
CANCELLED = Kind(
    code="CANCELLED",
    must_reach=False,  # they did it themselves, and the page told them
    sms={
        "hi": "ARN ..{a4}: अपॉइंटमेंट आपके अनुरोध पर रद्द हुआ। शेष अवसर: {n}। {brand}",
        "en": "ARN ..{a4}: your appointment was cancelled at your request."
        " Attempts left: {n}. {brand}",
    },
    email_template="messages/email/cancelled",
    secrets=LINK,
)
VISIT = Kind(
    code="VISIT",
    sms={
        "hi": "स्मरण: {dt}, {psk}। ARN ..{a4}। मूल दस्तावेज़ व यह SMS साथ लाएँ। {brand}",
        "en": "Reminder: {dt}, {psk}. ARN ..{a4}. Bring originals and this SMS. {brand}",
    },
    email_template="messages/email/visit",
    must_reach=False,  # they have been told of the visit; this only reminds them
    secrets=LINK,
)


# --- To officers: by email, and by SMS where they ask for it ------------------------------------


def _alert(code: str, *, hi: str, en: str) -> Kind:
    """`today`: the address of the officers' first page. An email leads to the very page."""
    return Kind(
        code=code,
        sms={"hi": f"{hi} {{today}} {{brand}}", "en": f"{en} {{today}} {{brand}}"},
        email_template=f"messages/email/{code.lower()}",
        must_reach=False,
    )


PLAN_WAITS = _alert(
    "PLAN_WAITS",
    hi="योजना {plan} ({n} लोग) आपके अनुमोदन की प्रतीक्षा में है।",
    en="Plan {plan} for {n} people waits for your approval.",
)
PLAN_ALONE = _alert(
    "PLAN_ALONE",
    hi="योजना {plan} ({n} लोग) एक अधिकारी ने अकेले अनुमोदित की; {at} से लागू हो सकती है।",
    en="Plan {plan} for {n} people was approved by one officer alone. It may be applied from {at}.",
)
PLAN_BACK = _alert(
    "PLAN_BACK",
    hi="योजना {plan} लागू नहीं हुई: वह अनुमोदित सीमा से बाहर है। फिर देखें।",
    en="Plan {plan} was not applied: it exceeds what was approved. Look at it again.",
)
DECIDE_BY_HELD = _alert(
    "DECIDE_BY_HELD",
    hi="योजना {plan} रोकी गई: तय समय {at} पर लागू नहीं हुई। कारण देखें।",
    en="Plan {plan} was held back: it was not applied at its hour {at}. See why.",
)
DECIDE_BY_APPLIED = _alert(
    "DECIDE_BY_APPLIED",
    hi="योजना {plan} तय समय पर लागू हुई; नए समय: {moved}। {by} तक वापस ले सकते हैं।",
    en="Plan {plan} was applied at its hour; new times: {moved}. Undo it by {by} if it is wrong.",
)
OUTAGE_OVERDUE = _alert(
    "OUTAGE_OVERDUE",
    hi="खराबी {outage} का अनुमानित अंत {by} बीत गया। सेवा बहाल करें या नया समय दें।",
    en="Outage {outage}: its expected end {by} has passed. Restore the service or give a new end.",
)
MESSAGES_TROUBLED = _alert(
    "MESSAGES_TROUBLED",
    hi="न पहुँचे या अनिश्चित संदेश: {n}। सूची देखें।",
    en="Messages that did not arrive or are unclear: {n}. Look at the list.",
)
GATEWAY_DOWN = _alert(
    "GATEWAY_DOWN",
    hi="संदेश गेटवे {gateway} बंद है, {since} से; रुके संदेश: {waiting}।",
    en="Message gateway {gateway} is down since {since}; messages waiting: {waiting}.",
)
TEXTS_MISSING = _alert(
    "TEXTS_MISSING",
    hi="जो SMS टेम्पलेट नहीं हैं या अवधि पार हैं: {n}। उनके संदेश नहीं जाते।",
    en="SMS templates missing or expired: {n}. Their messages do not leave.",
)
PEOPLE_UNREACHED = _alert(
    "PEOPLE_UNREACHED",
    hi="जिन तक सूचना नहीं पहुँची: {people}; पहला समय {first}। उन्हें फ़ोन करें।",
    en="People not reached: {people}; first visit {first}. Call them.",
)
DAY_OFF_VISITS = _alert(
    "DAY_OFF_VISITS",
    hi="{day} को अवकाश है; उस दिन के पुष्ट अपॉइंटमेंट: {people}। उन्हें बदलें।",
    en="{day} is a day off; appointments confirmed for it: {people}. Move them.",
)
ALERTS = (
    *(PLAN_WAITS, PLAN_ALONE, PLAN_BACK, DECIDE_BY_HELD, DECIDE_BY_APPLIED, OUTAGE_OVERDUE),
    *(MESSAGES_TROUBLED, GATEWAY_DOWN, TEXTS_MISSING, PEOPLE_UNREACHED, DAY_OFF_VISITS),
)
ALL = (
    *(HOLD, STANDS, MOVED_KEEP, MOVED_ANSWER, MOVED_MANY_KEEP, MOVED_MANY_ANSWER),
    *(MIXED_MANY, MIXED_MANY_KEEP, MIXED_MANY_ANSWER, HOLD_MANY, STANDS_MANY, NO_SEAT_MANY),
    *(RELEASED_MANY, REMIND_MANY_ANSWER, VISIT_MANY),
    *(REMIND_ANSWER, RELEASED, NO_SEAT),
    *(REPLACED, EARLIER, SEAT_FOUND, CONFIRMED, CANCELLED, VISIT),
    *ALERTS,
)


def register_all() -> None:
    for kind in ALL:
        longest = longest_values_of_alerts if kind in ALERTS else longest_values
        register(replace(kind, samples=longest))
