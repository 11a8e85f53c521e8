"""Telethon through `mtp proxy` in the middle mode: each of its connections to an MTProxy."""

import asyncio
import sys
import warnings

sys.path.pop(0)
from telethon import TelegramClient, functions, network  # noqa: E402
from telethon.crypto import rsa  # noqa: E402
from telethon.sessions import MemorySession  # noqa: E402

warnings.filterwarnings("ignore", message="proxy argument")
KEY, PORT, SECRET = sys.argv[1], int(sys.argv[2]), sys.argv[3]
rsa.add_key(open(KEY).read(), old=False)


async def step(name, doing, check=lambda _: True):
    try:
        print("ok  " if check(await asyncio.wait_for(doing, 30)) else "FAIL", name, flush=True)
    except Exception as error:
        print("FAIL", name, type(error).__name__, error, flush=True)


async def main():
    for kind, secret in [
        (network.ConnectionTcpMTProxyAbridged, SECRET),
        (network.ConnectionTcpMTProxyIntermediate, SECRET),
        (network.ConnectionTcpMTProxyRandomizedIntermediate, "dd" + SECRET),
    ]:
        session = MemorySession()
        session.set_dc(2, "127.0.0.1", 17443)
        client = TelegramClient(
            session, 1, "hash", connection=kind, proxy=("127.0.0.1", PORT, secret),
            timeout=5, connection_retries=1,
        )
        name = f"Telethon, {kind.__name__}"
        await step(f"{name}: connect", client.connect())
        # Several calls in flight on one connection.
        calls = [client(functions.help.GetConfigRequest()) for _ in range(20)]
        await step(f"{name}: 20 calls", asyncio.gather(*calls), lambda all: all[-1].this_dc == 2)
        await client.disconnect()


asyncio.run(main())
