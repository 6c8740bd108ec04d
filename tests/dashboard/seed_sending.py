"""Rules with an alert, templates, a sending domain, a suppression, a device: hostile ones too."""

from __future__ import annotations

from typing import Any

import httpx2

from tests.server import unique
from tests.waiting import wait_for

HARMLESS = "</textarea><script>document.title='run'</script>\u202e"
HARM = HARMLESS + "{{7*7}}"
RULES: tuple[dict[str, Any], ...] = (
    {
        "name": "Large payments",
        "match": {
            "channels": ["payments"],
            "metadata": [{"path": "amount", "op": "gte", "value": 1000}],
        },
        "to": [{"email": {"to": ["ada@example.com"]}}, {"push": {"to": {"userId": "ada"}}}],
        "text": {"title": "{{ event.title }}: {{ event.metadata.amount }}"},
        "quiet": {"from": "22:00", "to": "07:00", "timezone": "Europe/Berlin"},
    },
    {
        "name": "Errors pile up",
        "when": {"type": "threshold", "count": 1, "minutes": 5, "by": "userId"},
        "match": {"channels": ["errors"]},
        "to": [{"email": {"to": ["grace@example.com"]}}],
        "escalate": [{"afterMinutes": 15, "to": [{"email": {"to": ["boss@example.com"]}}]}],
    },
    {
        "name": HARM[:100],
        "match": {
            "title": {"contains": HARM},
            "payload": {"rules": [{"field": HARM, "operator": "is_set"}]},
        },
        "to": [{"push": {"to": {"channel": HARM}}}],
        "enabled": False,
    },
)
TEMPLATES: tuple[dict[str, Any], ...] = (
    {
        "alias": "welcome",
        "subject": "Welcome, {{ user.name }}",
        "html": "<style>p {color: teal}</style><p>Hello {{ user.name }}</p>"
        "{% for one in orders %}<li>{{ one.title }}</li>{% endfor %}",
        "text": "Hello {{ user.name }}",
    },
    {
        "alias": "welcome",
        "subject": "Good to see you, {{ user.name }}",
        "text": HARMLESS,
    },
)


def fill(client: httpx2.Client) -> None:
    """Put all of it there."""
    for rule in RULES:
        _post(client, "/v1/rules", rule)
    for template in TEMPLATES:
        _post(client, "/v1/templates", template)
    _post(client, "/v1/domains", {"name": f"{unique('news')}.example.com"})
    _post(client, "/v1/suppressions", {"email": "jane@example.com", "reason": HARM})
    _post(client, "/v1/push/devices", device())
    error = {"channelName": "errors", "title": HARM, "userId": HARM[:40]}
    _post(client, "/v1/events", error)
    wait_for(lambda: client.get("/v1/alerts").json()["data"]["alerts"], "an alert")


def device(name: str = "JzLQ3raZJfFBR0aqvOMsLrt54w4rJUsV") -> dict[str, Any]:
    """What a browser would subscribe with."""
    key = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
    keys = {"p256dh": key, "auth": "BTBZMqHH6r4Tts7J_aSIgg"}
    return {"endpoint": f"https://push.example.net/push/{name}", "keys": keys, "userId": HARM[:60]}


def _post(client: httpx2.Client, path: str, body: dict[str, Any]) -> None:
    answer = client.post(path, json=body)
    if answer.status_code != 201:
        raise AssertionError(f"{path}: {answer.text}")
