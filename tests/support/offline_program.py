"""``fahrstats`` in processes that cannot reach another machine, nor try to.

The interpreter itself reports what sockets are asked to do, so that no library gets
around it. Processes that are spawned run this module too, before they start to work.
"""

from __future__ import annotations

import sys

_REFUSED = ("socket.connect", "socket.bind", "socket.sendto", "socket.getaddrinfo")
_CLIENTS = ("requests", "httpx", "aiohttp", "huggingface_hub", "transformers", "ray")


def _refuse(event: str, arguments: object) -> None:
    if event.startswith(_REFUSED):
        print(f"{event} {arguments}", file=sys.stderr, flush=True)
        raise PermissionError(event)


sys.addaudithook(_refuse)

if __name__ == "__main__":
    from fahrstats.cli import main

    try:
        main()
    finally:
        print(f"clients: {sorted(set(_CLIENTS) & set(sys.modules))}")
