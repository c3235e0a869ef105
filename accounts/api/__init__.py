"""The API of signing in: codes for apps, the tokens they open, and what every POST needs."""
