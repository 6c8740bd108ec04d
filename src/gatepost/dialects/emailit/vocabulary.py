"""What members mean wherever they occur on Emailit's wire, with examples."""

from __future__ import annotations

from gatepost.web.manual import Schema

SAMPLE = "01998f1cd2a77c03b1f2a64d5e8f9a0b"
UUID = "01998f1c-d2a7-7c03-b1f2-a64d5e8f9a0b"


def _id(noun: str, *owners: str) -> dict[str, Schema]:
    """The id of what is called so in paths and in replies."""
    schema = {"examples": [f"{noun}_{SAMPLE}"]}
    return {f"{one}.id": schema for one in owners}


def _at(words: str) -> Schema:
    return {"format": "date-time", "description": words, "examples": ["2026-01-15T10:30:00Z"]}


def _link(words: str) -> Schema:
    return {
        "description": f"{words} Null where there is none.",
        "examples": ["https://mail.example.com/v2/api-keys?page=2&limit=10"],
    }


VOCABULARY: dict[str, Schema] = {
    # Ids
    **_id("key", "ApiKey", "Key", "MintedKey", "DeletedKey"),
    **_id("dom", "Domain", "DeletedDomain"),
    "sending_domain_id": {"examples": [f"dom_{SAMPLE}"]},
    "NewKeyIn.sending_domain_id": {"examples": [f"dom_{SAMPLE}"]},
    "uuid": {"format": "uuid", "description": "The same id once more.", "examples": [UUID]},
    # Moments
    "created_at": _at("When it was made."),
    "updated_at": _at("When it was changed last."),
    "last_used_at": _at("When it was used last; null before that."),
    "verified_at": _at("When it was verified; null while it is not."),
    "dns_checked_at": _at("When the name servers were asked last."),
    # Lists
    "next_page_url": _link("The next page."),
    "previous_page_url": _link("The page before."),
    "page": {"examples": [1]},
    "limit": {"examples": [10]},
    "order": {"examples": ["name"]},
    "search": {"examples": ["shop"]},
    # Keys
    "name": {"examples": ["My API Key"]},
    "scope": {"examples": ["sending"]},
    "key": {"examples": ["em_live_0000000000000000000000000000000000"]},
    "deleted": {"description": "Always true."},
    # Domains
    "Domain.name": {"examples": ["news.example.com"]},
    "DeletedDomain.name": {"examples": ["news.example.com"]},
    "NewDomainIn.name": {"examples": ["news.example.com"]},
    "Domain.verification_status": {"examples": ["verified"]},
    "dkim_identifier_string": {"examples": ["gatepost"]},
    "track_loads": {"examples": [0]},
    "track_clicks": {"examples": [1]},
    "spf_status": {"examples": ["ok"]},
    "spf_error": {"examples": [None]},
    "dkim_status": {"examples": ["ok"]},
    "dkim_error": {"examples": [None]},
    "return_path_status": {"examples": ["ok"]},
    "return_path_error": {"examples": [None]},
    "dmarc_status": {"examples": ["missing"]},
    "dmarc_error": {"examples": ["There is no TXT record at _dmarc.news.example.com"]},
    "DnsRecord.name": {"examples": ["bounce.news.example.com"]},
    "DnsRecord.type": {"description": "TXT or MX.", "examples": ["MX"]},
    "DnsRecord.value": {"examples": ["mail.example.com"]},
    "DnsRecord.priority": {"examples": [10]},
    "DnsRecord.ttl": {"description": "However long you like.", "examples": ["auto"]},
    "DnsRecord.status": {"examples": ["ok"]},
    "DnsRecord.error": {"examples": [None]},
    # Webhooks and what they are told
    **_id("wh", "Webhook", "MadeWebhook", "DeletedWebhook", "Retried"),
    **_id("whr", "Request"),
    **_id("evt", "Event", "Item"),
    "webhook_id": {"examples": [f"wh_{SAMPLE}"]},
    "Request.request_id": {"examples": [f"whr_{SAMPLE}"]},
    "event_id": {"examples": [f"evt_{SAMPLE}"]},
    **{
        f"{one}.{name}": {"examples": [value]}
        for one in (
            "Webhook",
            "MadeWebhook",
            "DeletedWebhook",
            "NewWebhookIn",
            "WebhookChangesIn",
        )
        for name, value in (
            ("name", "My webhook"),
            ("url", "https://example.com/hook"),
            ("events", ["email.delivered", "c:*"]),
            ("all_events", False),
        )
    },
    "Retried.more": {"examples": [False]},
    "Batch.rejected": {"examples": [0]},
    "payload_format": {"examples": ["object"]},
    "secret": {"examples": ["whsec_" + "0" * 64]},
    "Request.type": {"examples": ["email.delivered"]},
    "Request.status": {"examples": ["delivered"]},
    "Request.response_status": {"examples": [200]},
    "Request.error": {"examples": [None]},
    "next_attempt_at": {
        **_at("When it is tried next; null where it is not."),
        "examples": [None],
    },
    "finished_at": _at("When it was delivered, or given up; null before that."),
    "Event.type": {"examples": ["email.delivered"]},
    "Item.type": {"examples": ["c:signup"]},
    "Item.status": {"examples": [201]},
    "Item.error": {"examples": [""]},
    "Item.details": {"examples": [[]]},
    # Templates
    **_id("tem", "Template", "WholeTemplate", "VersionedTemplate", "Version", "DeletedTemplate"),
    **{
        f"{one}.{name}": {"examples": [value]}
        for one in ("Template", "WholeTemplate", "VersionedTemplate", "Version", "DeletedTemplate")
        for name, value in (
            ("name", "Welcome"),
            ("alias", "welcome"),
            ("from", "Acme <hello@example.com>"),
            ("subject", "Welcome, {{name}}"),
            ("reply_to", "help@example.com"),
            ("html", "<h1>Hi {{name}}</h1>"),
            ("text", "Hi {{name}}"),
        )
    },
    "editor": {"examples": ["html"]},
    "published_at": {"format": "date-time", "examples": ["2026-01-15T10:30:00Z"]},
    "filter[name]": {"examples": ["Welc"]},
    "filter[alias]": {"examples": ["welcome"]},
    "filter[editor]": {"examples": ["html"]},
    # Suppressions
    **_id("sup", "Suppression", "DeletedSuppression"),
    "Suppression.email": {"examples": ["jane@example.com"]},
    "DeletedSuppression.email": {"examples": ["jane@example.com"]},
    "Suppression.type": {"examples": ["recipient"]},
    "Suppression.reason": {"examples": ["Asked us by phone"]},
    "Suppression.timestamp": _at("When it was made."),
    "keep_until": {"examples": [None]},
    # Headers
    "X-Project-ID": {
        "description": "The project it happens in, for keys that lead to several.",
        "examples": [f"project_{SAMPLE}"],
    },
    "Idempotency-Key": {
        "description": "A repeat with the same key within 24 hours is carried out once.",
        "maxLength": 256,
        "examples": ["order-4711"],
        "pattern": "^[A-Za-z0-9_-]+$",
    },
}
