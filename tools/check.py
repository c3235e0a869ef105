"""`make check`: everything that can be known without running the suite.

All checks run; what a failed one printed is shown; the exit code is 1 if any failed.
"""

import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PYTHON = sys.executable
SCHEMA = "docs/openapi.yaml"

# A public site as docs/deploy.md describes it. Nothing is connected to by these checks.
PUBLIC_SITE = {
    "DEBUG": "0",
    "DEMO_MODE": "0",
    "SECRET_KEY": "check-only-" + "".join(chr(33 + n % 90) for n in range(60)),
    "ALLOWED_HOSTS": "psk.example.in",
    "SITE_HOST": "psk.example.in",
    "SITE_SCHEME": "https",
    "BEHIND_PROXY": "1",
    "TRUSTED_PROXY_COUNT": "1",
    "DATABASE_URL": "postgres://portal:secret@127.0.0.1/portal",
    "REDIS_URL": "redis://127.0.0.1/0",
    "CACHE_REDIS_URL": "redis://127.0.0.1:6380/0",
    "OFFICE_ADDRESS_EN": "1 Example Road, Bhopal",
    "OFFICE_ADDRESS_HI": "1 उदाहरण मार्ग, भोपाल",
    "GRIEVANCE_OFFICER_EN": "Deputy Passport Officer",
    "GRIEVANCE_OFFICER_HI": "उप पासपोर्ट अधिकारी",
    "GRIEVANCE_EMAIL": "grievance@example.in",
    "DATA_OFFICER_EMAIL": "data@example.in",
    "EMAIL_HOST": "smtp.example.in",
    # Stands for a provider's class: the tree has none of a provider that everyone could use.
    "SMS_GATEWAY": "notifications.gateways.smtp.SmtpGateway",
    "DEFAULT_FROM_EMAIL": "portal@example.in",
}
NO_DATABASE = {"DATABASE_URL": "sqlite://:memory:"}


@dataclass(frozen=True, kw_only=True)
class Check:
    name: str
    command: list[str]
    env: dict[str, str] = field(default_factory=dict)


def checks(schema: Path) -> list[Check]:
    """All checks; `schema` is where the API's schema of today may be written."""
    manage = [PYTHON, "manage.py"]
    spectacular = [*manage, "spectacular", "--lang", "en", "--validate", "--fail-on-warn"]
    spectacular += ["--file", str(schema)]
    deploy = [*manage, "check", "--deploy", "--fail-level", "WARNING"]
    makemigrations = [*manage, "makemigrations", "--check", "--dry-run"]
    return [
        Check(name="lint", command=[PYTHON, "-m", "ruff", "check", "--output-format=concise"]),
        Check(name="format", command=[PYTHON, "-m", "ruff", "format", "--check", "--quiet"]),
        Check(name="layers", command=[str(Path(PYTHON).with_name("lint-imports"))]),
        Check(name="types", command=[PYTHON, "-m", "mypy"], env=NO_DATABASE),
        Check(name="translations", command=[PYTHON, "-m", "tools.check_translations"]),
        Check(name="migrations", command=makemigrations, env=NO_DATABASE),
        Check(name="API schema", command=spectacular, env=NO_DATABASE),
        Check(name="API schema drift", command=["diff", "-u", SCHEMA, str(schema)]),
        Check(name="requirements", command=[PYTHON, "-m", "tools.check_requirements"]),
        Check(name="public settings", command=deploy, env=PUBLIC_SITE),
    ]


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        # A developer's data and .env have no say in what the code is worth.
        base = {**os.environ, "VAR_DIR": folder, "DJANGO_SETTINGS_MODULE": "portal.settings"}
        failed = [
            check.name for check in checks(Path(folder, "api.yaml")) if not passes(check, base)
        ]
    if failed:
        print(f"\n{len(failed)} of the checks failed: {', '.join(failed)}")
    return 1 if failed else 0


def passes(check: Check, base: dict[str, str]) -> bool:
    """Run one check and report it in a line, with its output if it failed."""
    started = time.monotonic()
    done = subprocess.run(
        check.command,
        cwd=ROOT,
        env={**base, **check.env},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    word = "ok" if done.returncode == 0 else "FAILED"
    print(f"  {check.name:<18} {word:<7} {time.monotonic() - started:5.1f} s", flush=True)
    if done.returncode != 0:
        print(done.stdout)
    return done.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
