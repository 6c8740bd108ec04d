"""The service worker of the guide shows what a browser was sent."""

import json
import re
import subprocess
from pathlib import Path

from tests.api.admin import Admin
from tests.delivery.pushservice import Browser
from tests.delivery.receiver import Receiver
from tests.dialects.native.wire import data_of

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "guides" / "push.md"
AROUND = """
const heard = {}, done = [];
globalThis.self = {
  addEventListener: (name, listener) => { heard[name] = listener; },
  registration: { showNotification: async (title, options) => { done.push({ title, options }); } },
  clients: { openWindow: async (url) => { done.push({ url }); } },
};
%s
(async () => {
  const waits = [];
  const waitUntil = (work) => waits.push(work);
  heard.push({ data: { json: () => JSON.parse(process.argv[1]) }, waitUntil });
  await Promise.all(waits);
  const close = () => { done.push("closed"); };
  const notification = { close, data: done[0].options.data };
  heard.notificationclick({ notification, waitUntil });
  await Promise.all(waits);
  console.log(JSON.stringify(done));
})();
"""


def test_the_service_worker_shows_a_message(admin: Admin, receiver: Receiver) -> None:
    one = Browser(receiver, admin.get("/v1/push/key")["publicKey"])
    data_of(admin.send("POST", "/v1/push/devices", one.subscription()), 201)
    push = {"to": "all", "title": "Hello", "body": "World", "url": "/orders", "data": {"a": 1}}
    sent = data_of(admin.send("POST", "/v1/messages", {"push": push}), 202)
    ((said, _),) = one.read()
    worker = re.findall(r"```js\n(.*?)```", GUIDE.read_text(), re.DOTALL)[0]
    command = ["node", "-e", AROUND % worker, json.dumps(said)]
    ran = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30)
    shown, closed, opened = json.loads(ran.stdout)
    assert shown["title"] == "Hello"
    assert shown["options"]["body"] == "World"
    assert shown["options"]["tag"] == sent["id"]
    assert shown["options"]["data"] == {"url": "/orders", "a": 1}
    assert (closed, opened) == ("closed", {"url": "/orders"})
