"""What the page's script tag names: hands the page's JavaScript to the dashboard.

Everything else is imported from :mod:`main`, which needs no page to be imported: a snapshot of
Python's memory, taken where there is none, holds it ready (``tools/snapshot.mjs``).
"""

from __future__ import annotations

from pyscript.js_modules import page

import main

main.run(page)
