"""The core of the dashboard: sessions, token metrics, fusion of sources, statistics.

Pure Python: nothing here imports ``js`` or ``pyscript``, so that all of it runs, and is
tested, on CPython and inside Pyodide alike. What it needs from its surroundings it asks
for through the protocols in :mod:`sessions.ports`.
"""
