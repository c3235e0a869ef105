"""Run a simulator: `python -m notifications.simulators http --port 8093 --log FILE`."""

import importlib
import sys

# Modules beside this one which have `main(arguments) -> exit code`.
SIMULATORS = ("http", "smtp", "smsc")


def main(arguments: list[str]) -> int:
    name = arguments[0] if arguments else ""
    if name not in SIMULATORS:
        sys.stderr.write(f"usage: python -m notifications.simulators {{{'|'.join(SIMULATORS)}}}\n")
        return 2
    simulator = importlib.import_module(f"notifications.simulators.{name}")
    code: int = simulator.main(arguments[1:])
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
