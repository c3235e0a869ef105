"""Gateways that exist on this machine only, for tests, faults and the demo.

`python -m notifications.simulators NAME ...` runs one; tests enter its class. Each writes what it
accepted into a log that knows nothing of our database: held against it, it shows what was lost or
said twice. They need no Django.
"""
