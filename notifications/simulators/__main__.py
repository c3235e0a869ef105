"""Run a simulator: `python -m notifications.simulators http --port 8093 --log FILE`."""

import importlib
import importlib.util
import sys

# Modules beside this one which have `main(arguments) -> exit code`.
SIMULATORS = ("http", "smtp", "smsc")


def main(arguments: list[str]) -> int:
    name = arguments[0] if arguments else ""
    module = f"notifications.simulators.{name}"
    if name not in SIMULATORS or importlib.util.find_spec(module) is None:
        sys.stderr.write(f"usage: python -m notifications.simulators {{{'|'.join(SIMULATORS)}}}\n")
        return 2
    code: int = importlib.import_module(module).main(arguments[1:])
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
