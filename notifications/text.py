"""Words that come from outside."""


def fit(words: str, length: int = 200) -> str:
    """As a column of so many letters takes them: cut, and PostgreSQL knows no NUL in texts."""
    return words.replace("\0", "")[:length]
