"""Templates on the native wire."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from gatepost.base import clock, ids
from gatepost.dialects.native import admin
from gatepost.domains.templates import model
from gatepost.domains.templates.model import Template
from gatepost.domains.templates.store import NOUN

Alias = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=model.ALIAS_MAX,
        pattern=model.ALIAS,
        description="What messages call it by; all versions share it.",
    ),
]
Name = Annotated[str, Meta(max_length=model.NAME_MAX)]
Subject = Annotated[
    str,
    Meta(
        max_length=model.SUBJECT_MAX,
        description="One line of plain text, with places as `{{ user.name }}`.",
    ),
]
Html = Annotated[
    str,
    Meta(
        max_length=model.SOURCE_MAX,
        description="What is put into its places is escaped.",
    ),
]
Text = Annotated[str, Meta(max_length=model.SOURCE_MAX)]
Sender = Annotated[
    str,
    Meta(max_length=model.SENDER_MAX, description="Whom messages are from that name nobody."),
]
ReplyTo = Annotated[
    str,
    Meta(max_length=model.SENDER_MAX, description="Where answers go of messages that name nobody."),
]
Published = Annotated[bool, Meta(description="Whether its alias means this version.")]
Publish = Annotated[
    bool,
    Meta(
        description="Whether to publish it at once. The first version of an alias is, others "
        "are not, unless this says otherwise."
    ),
]


class NewTemplateIn(msgspec.Struct, rename="camel", forbid_unknown_fields=True, frozen=True):
    """A version of a template to be; with html, text or both."""

    alias: Alias
    subject: Subject
    html: Html | None = None
    text: Text | None = None
    name: Name = ""
    sender: Sender = msgspec.field(default="", name="from")
    reply_to: ReplyTo = ""
    publish: Publish | UnsetType = UNSET


class TemplateChangesIn(msgspec.Struct, rename="camel", forbid_unknown_fields=True, frozen=True):
    """What to change; members left out stay as they are."""

    name: Name | UnsetType = UNSET
    subject: Subject | UnsetType = UNSET
    html: Html | UnsetType | None = UNSET
    text: Text | UnsetType | None = UNSET
    sender: Sender | UnsetType = msgspec.field(default=UNSET, name="from")
    reply_to: ReplyTo | UnsetType = UNSET


class PreviewIn(msgspec.Struct, rename="camel", forbid_unknown_fields=True, frozen=True):
    """What to fill a template in with."""

    variables: Annotated[dict[str, Any], Meta(description="Any JSON, by name.")] = {}
    strict: Annotated[
        bool,
        Meta(description="Whether variables that are missing are an error, rather than empty."),
    ] = False


class TemplateOut(msgspec.Struct, rename="camel"):
    """A version of a template, without its texts."""

    id: str
    alias: Alias
    version: int
    name: Name
    subject: Subject
    sender: Sender = msgspec.field(name="from")
    reply_to: ReplyTo
    published: Published
    published_at: str | None
    created_at: str
    updated_at: str


class VersionOut(msgspec.Struct, rename="camel"):
    """A version among others."""

    id: str
    version: int
    published: Published
    created_at: str


class TemplateWholeOut(TemplateOut):
    """A version of a template, and which versions there are, the newest first."""

    html: Html | None
    text: Text | None
    versions: list[VersionOut]


class TemplatesOut(msgspec.Struct, rename="camel"):
    """A page of templates; `next_cursor` is null on the last one."""

    templates: list[TemplateOut]
    next_cursor: str | None


class PreviewOut(msgspec.Struct, rename="camel"):
    """What becomes of a template."""

    subject: Annotated[str, Meta(description="One line.")]
    html: str | None
    text: str | None


def show(template: Template) -> TemplateOut:
    """Write a version for the wire, without its texts."""
    return TemplateOut(**_members(template))


def show_whole(template: Template, versions: Sequence[Template]) -> TemplateWholeOut:
    """Write a version for the wire, with its texts, among all versions of its alias."""
    among = [
        VersionOut(
            ids.show(NOUN, one.id),
            one.version,
            one.published_at is not None,
            clock.iso(one.created_at),
        )
        for one in versions
    ]
    return TemplateWholeOut(
        **_members(template), html=template.html, text=template.text, versions=among
    )


def _members(template: Template) -> dict[str, Any]:
    return {
        "id": ids.show(NOUN, template.id),
        "alias": template.alias,
        "version": template.version,
        "name": template.name,
        "subject": template.subject,
        "sender": template.sender,
        "reply_to": template.reply_to,
        "published": template.published_at is not None,
        "published_at": admin.moment(template.published_at),
        "created_at": clock.iso(template.created_at),
        "updated_at": clock.iso(template.updated_at),
    }
