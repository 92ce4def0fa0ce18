"""Run a stand-in by hand: `python -m tests.proxy --live`."""

from __future__ import annotations

import argparse
import contextlib
from pathlib import Path

import uvicorn

from tests.proxy.app import Options
from tests.proxy.dialects import DIALECTS, LATEST
from tests.proxy.server import uvicorn_config
from tests.proxy.state import ProxyState


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(prog="python -m tests.proxy", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--dialect", choices=sorted(DIALECTS), default=LATEST)
    parser.add_argument("--static", type=Path, help="folder with a built page")
    parser.add_argument("--static-path", default="/", help="where to serve it")
    parser.add_argument("--cors", action="store_true", help="answer other origins")
    parser.add_argument("--live", action="store_true", help="make traffic up")
    chosen = parser.parse_args()
    options = Options(
        cors=chosen.cors,
        static_dir=chosen.static,
        static_path=chosen.static_path,
        live=chosen.live,
    )
    config = uvicorn_config(ProxyState(chosen.dialect), options, host=chosen.host, port=chosen.port)
    with contextlib.suppress(KeyboardInterrupt):
        uvicorn.Server(config).run()


if __name__ == "__main__":
    main()
