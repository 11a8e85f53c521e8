"""TDLib with `mtp server` through `mtp proxy`, with each kind of secret: login, a message to oneself.

TDLib has only the published keys, so ours is written over them in the installed library. Its table of
addresses is not used, because a client names data centers to a proxy by number.
"""

import json
import pathlib
import re
import sys
import tempfile
import time

site = next(pathlib.Path(sys.prefix).glob("lib/python*/site-packages"))
KEY = open(sys.argv[1], "rb").read().rstrip()
for library in site.glob("tdjson.libs/libtdjson*"):
    code = library.read_bytes()
    pattern = rb"-----BEGIN RSA PUBLIC KEY-----[^-]{367}-----END RSA PUBLIC KEY-----"
    ours = re.sub(pattern, lambda found: KEY if len(found[0]) == len(KEY) else found[0], code)
    if ours != code:
        library.write_bytes(ours)

import tdjson  # noqa: E402

LOG, SECRETS = sys.argv[2], sys.argv[3:]
quiet = {"@type": "setLogVerbosityLevel", "new_verbosity_level": 0}
tdjson.td_execute(json.dumps(quiet).encode())


def run(secret, phone):
    client = tdjson.td_create_client_id()
    folder = tempfile.TemporaryDirectory()

    def send(kind, extra=None, **fields):
        tdjson.td_send(client, json.dumps({"@type": kind, "@extra": extra, **fields}).encode())

    access = {"@type": "proxyTypeMtproto", "secret": secret}
    proxy = {"@type": "proxy", "server": "127.0.0.1", "port": 14430, "type": access}
    send("addProxy", proxy=proxy, enable=True)
    end = time.time() + 60
    while time.time() < end:
        answer = tdjson.td_receive(1.0)
        event = json.loads(answer) if answer else {}
        if event.get("@client_id") != client:
            continue
        match event["@type"]:
            case "updateAuthorizationState":
                match event["authorization_state"]["@type"]:
                    case "authorizationStateWaitTdlibParameters":
                        send(
                            "setTdlibParameters",
                            database_directory=folder.name,
                            api_id=1,
                            api_hash="h",
                            system_language_code="en",
                            device_model="test",
                            application_version="1",
                        )
                    case "authorizationStateWaitPhoneNumber":
                        send("setAuthenticationPhoneNumber", phone_number=phone)
                    case "authorizationStateWaitCode":
                        time.sleep(0.5)
                        codes = re.findall(rf"login code for \{phone}: (\d+)", open(LOG).read())
                        send("checkAuthenticationCode", code=codes[-1])
                    case "authorizationStateReady":
                        yield "login"
                        send("getMe", "me")
            case "user" if event.get("@extra") == "me":
                send("createPrivateChat", "chat", user_id=event["id"], force=True)
            case "chat" if event.get("@extra") == "chat":
                text = {"@type": "formattedText", "text": "hello"}
                content = {"@type": "inputMessageText", "text": text}
                send("sendMessage", chat_id=event["id"], input_message_content=content)
            case "updateMessageSendSucceeded":
                yield "a message"
                send("close")
                return
            case "updateMessageSendFailed":
                return


for number, secret in enumerate(SECRETS):
    done = list(run(secret, f"+999662001{number}"))
    for name in ["login", "a message"]:
        print("ok  " if name in done else "FAIL", secret[:2], name, flush=True)
