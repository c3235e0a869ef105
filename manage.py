#!/usr/bin/env python
"""Django's command-line utility for this project."""

import os
import sys

from django.core.management import execute_from_command_line

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    # Also what .env says is meant for web and workers only: a migration may take its time.
    os.environ["STATEMENT_TIMEOUT"] = ""
    execute_from_command_line(sys.argv)
