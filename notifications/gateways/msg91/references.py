"""Our signed reference as MSG91 carries it: its CRQID has letters, digits, `_`, `.` and `-`.

At most 80 of them; ours has 76. https://msg91.com/help/text-sms/custom-metadata-parameters-for-tracking-sms-requests
"""


def outward(signed: str) -> str:
    return signed.replace(":", ".")


def inward(carried: str) -> str:
    return carried.replace(".", ":")
