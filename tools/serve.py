#!/usr/bin/env python3
"""Serve the built dashboard on this machine, with a Kimi Proxy behind it if wanted.

Without ``--proxy`` it is a plain static server. With it, ``/api/*``, ``/health``,
``/openapi.json`` and the WebSocket ``/ws`` are relayed to that address, so that
the page finds its proxy on its own origin and no CORS set-up is needed. A name and
password in the address are sent to the proxy as Basic authentication and shown to
nobody.

It listens on 127.0.0.1 only, and relays only what the dashboard's own page sends:
another site that is open in the same browser must not reach the proxy through it.
"""

from __future__ import annotations

import argparse
import errno
import signal
import socket
import sys
from collections.abc import Iterable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tools.serving.address import AddressError, ProxyAddress, proxy_address

HOST = "127.0.0.1"

#: How many ports from the wanted one on are tried.
PORT_TRIES = 20

#: What a shell calls the exit code of a program that was interrupted.
INTERRUPTED = 128 + signal.SIGINT


class ServeError(Exception):
    """The server cannot start; the message is for the person who started it."""


def listen(wanted: int, tries: int = PORT_TRIES) -> socket.socket:
    """Return a listening socket on the first free port from ``wanted`` on.

    Raises:
        ServeError: none of the ports that were tried is free.
    """
    for port in range(wanted, min(wanted + tries, 65536)):
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, port))
            listener.listen()
        except OSError as error:
            listener.close()
            if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                raise ServeError(f"Port {port} of {HOST} cannot be used: {error}.") from error
            continue
        return listener
    raise ServeError(f"Ports {wanted} to {wanted + tries - 1} of {HOST} are all taken.")


# --- The command --------------------------------------------------------------------


def existing_page(text: str) -> Path:
    """Check a folder given on the command line."""
    folder = Path(text)
    if not (folder / "index.html").is_file():
        raise argparse.ArgumentTypeError(f"{text} has no index.html: run `make dist` first")
    return folder


def usable_proxy(text: str) -> ProxyAddress:
    """Read the proxy's address given on the command line."""
    try:
        return proxy_address(text)
    except AddressError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def usable_port(text: str) -> int:
    """Read a port given on the command line."""
    if not (text.isdecimal() and text.isascii() and 0 < int(text[:6]) < 65536):
        raise argparse.ArgumentTypeError(f"{text!r} is no port: those are 1 to 65535")
    return int(text)


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "folder",
        nargs="?",
        type=existing_page,
        default="dist",
        help="what to serve (default: dist)",
    )
    parser.add_argument(
        "--port",
        type=usable_port,
        default=8080,
        help=f"the port (default: 8080); the next free one of {PORT_TRIES} when it is taken",
    )
    parser.add_argument(
        "--proxy", type=usable_proxy, metavar="URL", help="the Kimi Proxy to relay to"
    )
    parser.add_argument(
        "--verbose", action="store_true", help="print each request, without its query"
    )
    return parser.parse_args(arguments)


def announcement(options: argparse.Namespace, port: int) -> Iterable[str]:
    """Yield the lines that tell where the page is."""
    if port != options.port:
        yield f"Port {options.port} is taken, so port {port} is used instead."
    yield f"Dashboard:  http://{HOST}:{port}/"
    yield f"Kimi Proxy: {described(options.proxy)}"
    yield "Stop with Ctrl+C."


def described(proxy: ProxyAddress | None) -> str:
    """Name the proxy without what its address has of secrets."""
    if proxy is None:
        return "none is relayed to; name one with --proxy"
    return proxy.url + (" (with the name and password given)" if proxy.authorization else "")


def serve(options: argparse.Namespace, listener: socket.socket) -> int:
    """Serve until a signal comes; return the exit code."""
    # They take a moment to load, during which the process can be interrupted quietly.
    from tools.serving.application import application
    from tools.serving.limits import Limits
    from tools.serving.server import Server

    limits = Limits()
    server = Server(
        application(options.folder, options.proxy, limits),
        limits,
        log_level="info" if options.verbose else "warning",
        access_log=options.verbose,
    )
    server.run(sockets=[listener])
    return INTERRUPTED if server.stopped_by == signal.SIGINT else 0


def main(arguments: list[str] | None = None) -> int:
    """Run the command until it is interrupted; return its exit code."""
    options = parse(arguments)
    try:
        listener = listen(options.port)
    except ServeError as error:
        print(f"serve: {error}", file=sys.stderr)
        return 1
    for line in announcement(options, listener.getsockname()[1]):
        print(line, flush=True)
    with listener:
        return serve(options, listener)


if __name__ == "__main__":
    # While nothing is served yet or any more, Ctrl+C just ends the process.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    sys.exit(main())
