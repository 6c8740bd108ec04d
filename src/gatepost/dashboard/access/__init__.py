"""Signing in, and what an operator does about themselves."""

from gatepost.dashboard.access import code, forgot, opening, provider, second, signin, you
from gatepost.dashboard.routes import Entry, Route, action, page

ROUTES: tuple[Route, ...] = (
    page("/sign-in", signin.show, Entry.ANYBODY),
    action("/sign-in", signin.submit, Entry.ANYBODY),
    page("/sign-in/code", code.show, Entry.ANYBODY),
    action("/sign-in/code", code.submit, Entry.ANYBODY),
    page("/sign-in/provider", provider.begin, Entry.ANYBODY),
    page("/sign-in/callback", provider.end, Entry.ANYBODY),
    page("/forgot", forgot.show, Entry.ANYBODY),
    action("/forgot", forgot.submit, Entry.ANYBODY),
    page("/open/{token}", opening.show, Entry.ANYBODY),
    action("/open/{token}", opening.submit, Entry.ANYBODY),
    action("/sign-out", signin.leave, Entry.OPERATOR),
    page("/you", you.show, Entry.OPERATOR),
    action("/you/name", you.rename, Entry.OPERATOR),
    action("/you/password", you.password, Entry.OPERATOR),
    action("/you/sessions/end", you.end_session, Entry.OPERATOR),
    action("/you/sessions/end-others", you.end_others, Entry.OPERATOR),
    action("/you/leave", you.leave, Entry.OPERATOR),
    page("/you/second-factor", second.show, Entry.OPERATOR),
    action("/you/second-factor", second.switch_on, Entry.OPERATOR),
    action("/you/second-factor/off", second.switch_off, Entry.OPERATOR),
    action("/you/second-factor/codes", second.renew, Entry.OPERATOR),
)
