"""Telethon against `mtp server`: every transport of its own, then two accounts from login to 2FA.

Its HTTP codec compares a number with bytes and discards every answer; the line is replaced here.
"""

import asyncio
import os
import re
import sys
import warnings

# This file has the name of the package, so its folder must not be searched.
sys.path.pop(0)
from telethon import TelegramClient, errors, events, functions, network, types  # noqa: E402
from telethon.crypto import rsa  # noqa: E402
from telethon.sessions import MemorySession  # noqa: E402

warnings.filterwarnings("ignore", message="proxy argument")
KEY, LOG = sys.argv[1], sys.argv[2]
SECRET = "0123456789abcdef0123456789abcdef"
ANN, BEN = "+9996620001", "+9996620002"
rsa.add_key(open(KEY).read(), old=False)


def client(connection=network.ConnectionTcpFull, proxy=None):
    session = MemorySession()
    session.set_dc(2, "127.0.0.1", 80)
    return TelegramClient(
        session, 1, "hash", connection=connection, proxy=proxy, timeout=5, connection_retries=1
    )


def code(phone):
    return re.findall(rf"login code for \{phone}: (\d+)", open(LOG).read())[-1]


async def step(name, doing, check=lambda _: True):
    try:
        result = await asyncio.wait_for(doing, 30)
        print("ok  " if check(result) else "FAIL", name, flush=True)
        return result
    except Exception as error:
        print("FAIL", name, type(error).__name__, error, flush=True)


async def transports():
    proxy = lambda secret: ("127.0.0.1", 14430, secret)
    for kind, through in [
        (network.ConnectionTcpFull, None),
        (network.ConnectionTcpAbridged, None),
        (network.ConnectionTcpIntermediate, None),
        (network.ConnectionTcpObfuscated, None),
        (network.ConnectionTcpMTProxyAbridged, proxy(SECRET)),
        (network.ConnectionTcpMTProxyIntermediate, proxy(SECRET)),
        (network.ConnectionTcpMTProxyRandomizedIntermediate, proxy("dd" + SECRET)),
    ]:
        one = client(kind, through)
        await step(f"{kind.__name__}: connect", one.connect())
        config = functions.help.GetConfigRequest()
        await step(f"{kind.__name__}: help.getConfig", one(config), lambda it: it.this_dc == 2)
        await one.disconnect()


async def log_in(phone):
    one = client()
    await one.connect()
    await one.send_code_request(phone)
    await asyncio.sleep(0.3)
    await one.sign_in(phone, code(phone))
    return one, await one.get_me()


async def story():
    ann, _ = await step("login", log_in(ANN))
    ben, bens = await step("second login", log_in(BEN))
    heard = asyncio.get_running_loop().create_future()
    ben.add_event_handler(lambda event: heard.set_result(event.raw_text), events.NewMessage)
    await step("get_dialogs", ann.get_dialogs())
    await step("updates.getState", ben(functions.updates.GetStateRequest()))
    found = await step("resolve a phone number", ann(functions.contacts.ResolvePhoneRequest(BEN)))
    peer = types.InputPeerUser(bens.id, found.users[0].access_hash)
    await step("send a message", ann.send_message(peer, "hello"))
    await step("update of the message", heard, lambda text: text == "hello")
    await step("message to oneself", ann.send_message("me", "milk"))
    await step("history", ann.get_messages("me", limit=5), lambda it: it[0].message == "milk")
    for size in [700_000, 12_000_000]:
        data = os.urandom(size)
        file = await step(f"upload of {size} bytes", ann.upload_file(data, file_name="file"))
        place = types.InputDocumentFileLocation(file.id, 0, b"", "")
        down = ann.download_file(place, file=bytes, file_size=size)
        await step(f"download of {size} bytes", down, lambda it: it == data)
    await step("set a password", ann.edit_2fa(new_password="secret"))
    await step("log out", ben.log_out())
    again = client()
    await again.connect()
    await again.send_code_request(ANN)
    await asyncio.sleep(0.3)
    try:
        await again.sign_in(ANN, code(ANN))
        print("FAIL password is not requested")
    except errors.SessionPasswordNeededError:
        print("ok   password is requested")
    await step("login with the password", again.sign_in(password="secret"))
    await step("remove the password", again.edit_2fa(current_password="secret"))
    await ann.disconnect()
    await again.disconnect()


async def main():
    await transports()
    await story()


asyncio.run(main())
