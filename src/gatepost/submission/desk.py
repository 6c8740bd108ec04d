"""Where a mail is handed in: authenticate → authorise → throttle → read → commit, as over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from time import perf_counter

import uuid_utils

from gatepost.base import emails, ids, log
from gatepost.base.errors import AppError
from gatepost.base.ids import NO_CUSTOMER, NO_PROJECT
from gatepost.domains.plans.model import Meter
from gatepost.domains.usage.model import Metered
from gatepost.engine import mailing
from gatepost.engine.compose.mail import Mail
from gatepost.engine.mailing import Mailing
from gatepost.engine.notify import Notified
from gatepost.gate.admit import Caller, throttled
from gatepost.gate.denials import Refusal
from gatepost.gate.once import Charge, Once, Reply
from gatepost.gate.scopes import Scope
from gatepost.signals.contract import ARRIVALS
from gatepost.storage.db import Tx
from gatepost.submission import answers
from gatepost.submission.login import USERS, Login
from gatepost.submission.reading import read
from gatepost.web.contract import Call, Services

ROUTE = "SMTP"
TAKEN = 250
READ_AT_ONCE = 2
BYTES_OF_A_ROW = 65_536


class Desk:
    """Takes the mails of one process. Used from the event loop alone."""

    def __init__(self, services: Services) -> None:
        """Hold what every mail needs."""
        self._services = services
        self._admission = services.admission
        self._verb = Once(self._send, _charge, ROUTE)
        self._reading = asyncio.Semaphore(READ_AT_ONCE)
        self._log = log.get("submission")

    async def enter(self, login: Login, address: str) -> Caller:
        """Who has logged in; raises UNAUTHENTICATED, THROTTLED for too many of nobody's keys,
        FORBIDDEN and ACCOUNT_INACTIVE.
        """
        caller = await self._identify(login, address)
        try:
            self._admission.authorise(caller, Scope.MESSAGES_SEND, address)
        except AppError as refusal:
            self._refused(self._call(caller, address), refusal, answers.of_login(refusal), 0)
            raise
        return caller

    async def take(
        self, login: Login, address: str, recipients: Sequence[str], content: bytes
    ) -> str:
        """Take a mail; what is said is said once it is kept."""
        began = perf_counter()
        try:
            caller = await self._identify(login, address)
        except AppError as refusal:
            return answers.of_mail(refusal)
        call = self._call(caller, address)
        sender = ""
        try:
            await self._admit(call)
            async with self._reading:
                mail = await asyncio.to_thread(read, content, recipients)
            sender = emails.read(mail.sender).spec
            reply = await self._keep(call, mail)
        except AppError as refusal:
            said = answers.of_mail(refusal, sender, caller.key.sending_domain)
            self._refused(call, refusal, said, perf_counter() - began)
            return said
        self._services.metrics.add("gatepost_submission_mails")
        return f"{TAKEN} 2.0.0 {reply.body.decode()}"

    async def _identify(self, login: Login, address: str) -> Caller:
        caller = self._admission.known(login.secret) if login.user in USERS else None
        if caller is None and login.user in USERS:
            caller = await self._admission.authenticate(login.secret)
        if caller is None:
            self._services.metrics.add("gatepost_unknown_keys")
            raise await self._admission.unknown(address)
        return caller

    async def _admit(self, call: Call) -> None:
        """Authorise and throttle; raises FORBIDDEN, ACCOUNT_INACTIVE and THROTTLED."""
        caller = call.caller
        self._admission.authorise(caller, Scope.MESSAGES_SEND, call.address)
        self._services.ledger.used(caller, call.now)
        call.project_id  # noqa: B018 # refuses here a key that leads to no project
        if not caller.subjects:
            return
        call.verdict = await self._admission.hit(caller.subjects)
        if not call.verdict.admitted:
            raise throttled(call.verdict, "Too many requests. Please try again later.", call.now)

    async def _keep(self, call: Call, mail: Mail) -> Reply:
        """Charge and commit it, whether or not somebody still waits for the answer."""
        call.posted = await self._admission.post(call.caller, len(mail.recipients), call.now)
        size = sum(len(one.content) for one in mail.attachments)
        weight = len(mail.recipients) + size // BYTES_OF_A_ROW
        kept = self._services.database.submit(self._verb, (call, mail), weight)
        reply: Reply = await asyncio.shield(kept)
        return reply

    def _send(self, tx: Tx, calls: Sequence[Call], given: Sequence[Mail]) -> list[Reply | AppError]:
        commands = [_mailing(call, mail) for call, mail in zip(calls, given, strict=True)]
        sent = mailing.send(tx, commands, self._services.settings)
        tx.after_commit(self._tell)
        return [one if isinstance(one, AppError) else _reply(one) for one in sent]

    def _tell(self) -> None:
        self._services.due()
        self._services.signals.ring(ARRIVALS)

    def _call(self, caller: Caller, address: str) -> Call:
        return Call(
            caller=caller,
            services=self._services,
            request_id=str(uuid_utils.uuid4()),
            now=self._services.clock(),
            address=address,
            project=caller.default_project,
            counting=caller.counting,
        )

    def _refused(self, call: Call, refusal: AppError, said: str, took_s: float) -> None:
        """Note a refusal, in the ledger and in what is metered."""
        caller = call.caller
        self._services.metrics.add("gatepost_submission_refusals")
        about = Refusal(
            code=refusal.code,
            route=ROUTE,
            detail=said,
            address=call.address,
            request_id=call.request_id,
            at=call.now,
        )
        self._services.ledger.refused(caller, about)
        self._services.reads.add(
            Metered(
                account_id=caller.account_id,
                customer_id=NO_CUSTOMER,
                project_id=caller.default_project or NO_PROJECT,
                key_id=caller.key_id,
                route=ROUTE,
                status=int(said[:3]),
                units=0,
                at=call.now,
                request_id=call.request_id,
                response_bytes=len(said),
                duration_ms=round(took_s * 1000),
            )
        )


def _charge(mail: Mail) -> Charge:
    return Charge(Meter.EMAIL, len(mail.recipients))


def _mailing(call: Call, mail: Mail) -> Mailing:
    return Mailing(
        account_id=call.caller.account_id,
        project_id=call.project_id,
        now=call.now,
        mail=mail,
        bound=call.caller.key.sending_domain,
        held=call.caller.key.hold_mails,
    )


def _reply(sent: Notified) -> Reply:
    """Tell the mail's id in Emailit's words, which is its first recipient's, and ours."""
    first, message = ids.show("em", sent.deliveries[0].id), ids.show("message", sent.message.id)
    return Reply(TAKEN, f"Queued as {first} ({message})".encode())
