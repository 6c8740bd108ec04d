"""Templates on Emailit's wire: what comes in, what goes out."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from gatepost.base import ids
from gatepost.dialects.emailit import wire
from gatepost.dialects.emailit.lists import LIMIT_MAX, PAGE_MAX
from gatepost.domains.templates import model
from gatepost.domains.templates.model import Template
from gatepost.engine.publish import TemplateChanges

KIND = "template"
LINE_MAX = 191
LIMIT = 25
EDITOR = "html"
_OTHER = re.compile(r"[^a-z0-9_-]+")

Name = Annotated[str, Meta(min_length=1, max_length=model.NAME_MAX)]
Alias = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=model.ALIAS_MAX,
        pattern=model.ALIAS,
        description="What mails call it by; all versions share it. Without one it is made of the "
        "name.",
    ),
]
Line = Annotated[str, Meta(max_length=LINE_MAX)]
Subject = Annotated[
    str,
    Meta(max_length=LINE_MAX, description="One line, with places such as `{{name}}`."),
]
Source = Annotated[str, Meta(max_length=model.SOURCE_MAX)]
Editor = Annotated[
    Literal["html", "tiptap", "dragit"],
    Meta(description="Passed over: all templates are HTML here."),
]


class NewTemplateIn(msgspec.Struct, frozen=True):
    """A version of a template to be; with html, text or both."""

    name: Name
    alias: Alias | UnsetType | None = UNSET
    sender: Line | None = msgspec.field(default=None, name="from")
    subject: Subject | None = None
    reply_to: Line | None = None
    html: Source | None = None
    text: Source | None = None
    editor: Editor = "html"


class TemplateChangesIn(msgspec.Struct, frozen=True):
    """What to change; members left out stay as they are. The alias can only be the one it has."""

    name: Name | UnsetType = UNSET
    alias: Alias | UnsetType = UNSET
    sender: Line | UnsetType | None = msgspec.field(default=UNSET, name="from")
    subject: Subject | UnsetType | None = UNSET
    reply_to: Line | UnsetType | None = UNSET
    html: Source | UnsetType | None = UNSET
    text: Source | UnsetType | None = UNSET
    editor: Editor | UnsetType = UNSET


class TemplatesQuery(msgspec.Struct, frozen=True):
    """Which templates, and which page of them."""

    page: Annotated[int, Meta(ge=1, le=PAGE_MAX, description="Which page.")] = 1
    per_page: Annotated[
        int, Meta(ge=1, le=LIMIT_MAX, description="How long a page is; `limit` is the same.")
    ] = LIMIT
    name: Annotated[str, Meta(description="A part of the name.")] = msgspec.field(
        default="", name="filter[name]"
    )
    alias: Annotated[str, Meta(description="The alias.")] = msgspec.field(
        default="", name="filter[alias]"
    )
    editor: Annotated[str, Meta(description="`html`, which all have.")] = msgspec.field(
        default="", name="filter[editor]"
    )
    sort: Annotated[str, Meta(description="The field to sort by.")] = ""
    order: Annotated[str, Meta(description="`asc` or `desc`, or the field to sort by.")] = ""


class TemplateOut(msgspec.Struct, tag_field="object", tag=KIND):
    """A version of a template, without its texts."""

    id: str
    name: str
    alias: Alias
    sender: str | None = msgspec.field(name="from")
    subject: str | None
    reply_to: str | None
    editor: str
    version: int
    published_at: Annotated[str | None, Meta(description="Null of a draft.")]
    created_at: str
    updated_at: str


class VersionOut(msgspec.Struct, tag_field="object", tag=KIND):
    """A version among others."""

    id: str
    name: str
    version: int
    published_at: str | None
    created_at: str
    updated_at: str


class WholeTemplateOut(TemplateOut, tag=KIND, kw_only=True):
    """A version of a template."""

    html: str | None
    text: str | None


class VersionedTemplateOut(WholeTemplateOut, tag=KIND, kw_only=True):
    """A version of a template, and which versions there are, the newest first."""

    versions: list[VersionOut]


class FoundTemplateOut(msgspec.Struct):
    """A version of a template, wrapped."""

    data: VersionedTemplateOut


class TemplatesOut(msgspec.Struct):
    """A page of templates."""

    data: list[TemplateOut]
    total_records: int
    per_page: int
    current_page: int
    total_pages: int
    next_page_url: str | None
    previous_page_url: str | None


class DeletedTemplateOut(msgspec.Struct, tag_field="object", tag=KIND):
    """What was ended."""

    id: str
    name: str
    deleted: bool = True


def alias_of(name: str) -> str:
    """An alias made of a name."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return _OTHER.sub("-", plain).strip("-")[: model.ALIAS_MAX] or KIND


def changes(given: TemplateChangesIn) -> TemplateChanges:
    """What to change; null takes a line away."""
    return TemplateChanges(
        name=given.name,
        subject=_line(given.subject),
        html=given.html,
        text=given.text,
        sender=_line(given.sender),
        reply_to=_line(given.reply_to),
    )


def show(one: Template) -> TemplateOut:
    """Write a version for the wire, without its texts."""
    return TemplateOut(**_members(one))


def show_whole(one: Template) -> WholeTemplateOut:
    """Write a version for the wire."""
    return WholeTemplateOut(**_members(one), html=one.html, text=one.text)


def show_found(one: Template, versions: Sequence[Template]) -> FoundTemplateOut:
    """Write a version for the wire, among all versions of its alias."""
    among = [_version(it) for it in versions]
    whole = VersionedTemplateOut(**_members(one), html=one.html, text=one.text, versions=among)
    return FoundTemplateOut(whole)


def _version(one: Template) -> VersionOut:
    return VersionOut(
        ids.show(wire.TEMPLATE, one.id),
        one.name,
        one.version,
        wire.maybe(one.published_at),
        wire.moment(one.created_at),
        wire.moment(one.updated_at),
    )


def _members(one: Template) -> dict[str, Any]:
    return {
        "id": ids.show(wire.TEMPLATE, one.id),
        "name": one.name,
        "alias": one.alias,
        "sender": one.sender or None,
        "subject": one.subject or None,
        "reply_to": one.reply_to or None,
        "editor": EDITOR,
        "version": one.version,
        "published_at": wire.maybe(one.published_at),
        "created_at": wire.moment(one.created_at),
        "updated_at": wire.moment(one.updated_at),
    }


def _line(given: str | UnsetType | None) -> str | UnsetType:
    return "" if given is None else given
