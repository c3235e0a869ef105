"""What an applicant is told about an appointment, in the words filed for each kind.

Who is told what, when: appointments/messages.py. A kind repeats after an unknown outcome where
someone who was not told would travel for nothing or lose a seat.
"""

from notifications.kinds import Kind, register

# Whoever holds the link may answer in the applicant's place.
LINK = frozenset({"url"})

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
    sms={
        "hi": "पासपोर्ट के {n} आवेदनों के नए समय तय हुए। {by} तक बदलें, वरना यही मान्य: {url} {brand}",
        "en": "New times for {n} passport applications."
        " They stand unless you change them by {by}: {url} {brand}",
    },
    repeat_unknown=True,
    secrets=LINK,
)
MOVED_MANY_ANSWER = Kind(
    code="MOVED_MANY_ANSWER",
    sms={
        "hi": "पासपोर्ट के {n} आवेदनों के नए समय तय हुए। {by} तक स्वीकारें, वरना सीटें छूटेंगी: {url} {brand}",
        "en": "New times for {n} passport applications."
        " Accept them by {by} or the seats are released: {url} {brand}",
    },
    repeat_unknown=True,
    secrets=LINK,
)
REMIND_ANSWER = Kind(
    code="REMIND_ANSWER",
    sms={
        "hi": "ARN ..{a4}: {dt} का नया समय {by} तक स्वीकारें, वरना सीट छूटेगी: {url} {brand}",
        "en": "ARN ..{a4}: accept the new time {dt} by {by} or the seat is released: {url} {brand}",
    },
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
)
# To officers, by email only.
PLAN_WAITS = Kind(code="PLAN_WAITS", email_template="messages/email/plan_waits")
PLAN_ALONE = Kind(code="PLAN_ALONE", email_template="messages/email/plan_alone")
ALL = (
    *(HOLD, STANDS, MOVED_KEEP, MOVED_ANSWER, MOVED_MANY_KEEP, MOVED_MANY_ANSWER),
    *(REMIND_ANSWER, RELEASED, NO_SEAT),
    *(REPLACED, EARLIER, SEAT_FOUND, CONFIRMED, CANCELLED, VISIT),
    *(PLAN_WAITS, PLAN_ALONE),
)


def register_all() -> None:
    for kind in ALL:
        register(kind)
