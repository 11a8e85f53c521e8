// GramJS with `mtp server`: TCP transports, config, login code.
const crypto = require("crypto");
const fs = require("fs");
const bigInt = require("big-integer");
const { Api, TelegramClient } = require("telegram");
const RSA = require("telegram/crypto/RSA");
const { PromisedNetSockets } = require("telegram/extensions/PromisedNetSockets");
const { ConnectionTCPAbridged, ConnectionTCPFull, ConnectionTCPObfuscated } = require("telegram/network");
const { MemorySession } = require("telegram/sessions");

const key = crypto.createPublicKey(fs.readFileSync(process.argv[2])).export({ format: "jwk" });
const [n, e] = [key.n, key.e].map((part) => Buffer.from(part, "base64url"));
const tlBytes = (bytes) => {
  const head = bytes.length < 254 ? [bytes.length] : [254, bytes.length & 255, bytes.length >> 8, 0];
  const whole = Buffer.concat([Buffer.from(head), bytes]);
  return Buffer.concat([whole, Buffer.alloc((4 - (whole.length % 4)) % 4)]);
};
const digest = crypto.createHash("sha1").update(Buffer.concat([tlBytes(n), tlBytes(e)])).digest();
const fingerprint = digest.subarray(-8).readBigInt64LE().toString();
RSA._serverKeys.set(fingerprint, { n: bigInt(n.toString("hex"), 16), e: 65537 });

const within = (doing, ms) =>
  Promise.race([doing, new Promise((_, no) => setTimeout(() => no(new Error("timeout")), ms))]);

(async () => {
  for (const connection of [ConnectionTCPFull, ConnectionTCPAbridged, ConnectionTCPObfuscated]) {
    const session = new MemorySession();
    session.setDC(2, "127.0.0.1", 80);
    const client = new TelegramClient(session, 1, "h", {
      connection, connectionRetries: 1, timeout: 5, requestRetries: 1,
      networkSocket: PromisedNetSockets, useWSS: false,
    });
    client.setLogLevel("error");
    try {
      await within(client.connect(), 20000);
      const config = await within(client.invoke(new Api.help.GetConfig()), 10000);
      console.log(config.thisDc === 2 ? "ok  " : "FAIL", connection.name, "help.getConfig");
      const settings = new Api.CodeSettings({});
      const call = { phoneNumber: "+9996620001", apiId: 1, apiHash: "h", settings };
      await within(client.invoke(new Api.auth.SendCode(call)), 10000);
      console.log("ok  ", connection.name, "auth.sendCode");
    } catch (error) {
      console.log("FAIL", connection.name, error.message);
    }
    await client.destroy();
  }
  process.exit(0);
})();
