"""Pyrogram and its forks with `mtp server`: all transports, config, login code."""

import asyncio
import hashlib
import inspect
import sys

# This file has the name of the package, so its folder must not be searched.
sys.path.pop(0)
import rsa as numbers  # noqa: E402
from pyrogram import Client, raw  # noqa: E402
from pyrogram.connection import Connection, connection, transport  # noqa: E402
from pyrogram.crypto import rsa  # noqa: E402


def tl_bytes(number):
    raw_bytes = number.to_bytes((number.bit_length() + 7) // 8, "big")
    head = bytes([254]) + len(raw_bytes).to_bytes(3, "little")
    if len(raw_bytes) < 254:
        head = bytes([len(raw_bytes)])
    whole = head + raw_bytes
    return whole + bytes(-len(whole) % 4)


key = numbers.PublicKey.load_pkcs1(open(sys.argv[1], "rb").read())
digest = hashlib.sha1(tl_bytes(key.n) + tl_bytes(key.e)).digest()
fingerprint = int.from_bytes(digest[-8:], "little", signed=True)
rsa.server_public_keys[fingerprint] = rsa.PublicKey(key.n, key.e)

# Some pass the address when they open a connection, others look it up in a table; both are replaced by ours.
chosen = None
if "server_address" in inspect.signature(Connection.__init__).parameters:
    begin = Connection.__init__

    def begin_here(self, *args, **named):
        begin(self, *args, **named)
        self.server_address, self.port, self.protocol_factory = "127.0.0.1", 80, chosen

    Connection.__init__ = begin_here
else:
    connection.DataCenter.__new__ = lambda *_, **__: ("127.0.0.1", 80)


async def main():
    global chosen
    names = ["TCPAbridged", "TCPAbridgedO", "TCPFull", "TCPIntermediate", "TCPIntermediateO"]
    for name in names + ["TCPIntermediatePadded"]:
        if not hasattr(transport, name):
            continue
        chosen = connection.TCPAbridged = getattr(transport, name)
        phone = "+9996620001"
        try:
            one = Client("x", api_id=1, api_hash="h", in_memory=True, phone_number=phone)
            await asyncio.wait_for(one.connect(), 20)
            config = await asyncio.wait_for(one.invoke(raw.functions.help.GetConfig()), 10)
            print("ok  " if config.this_dc == 2 else "FAIL", name, "help.getConfig")
            await asyncio.wait_for(one.send_code(phone), 10)
            print("ok  ", name, "auth.sendCode")
            await one.disconnect()
        except Exception as error:
            print("FAIL", name, type(error).__name__, error)


asyncio.run(main())
