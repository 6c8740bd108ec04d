"""`gatepost demo`: an account full of made-up data, to look around in."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from gatepost.cli.common import COMMON, OK, USAGE, Common, Failure, say

EVENTS = 20_000


def demo(
    *,
    account: Annotated[str, Parameter(help="What the account is called that is made.")] = "Demo",
    events: Annotated[int, Parameter(help="How many events it has.")] = EVENTS,
    seed: Annotated[int, Parameter(help="The same one tells the same story.")] = 7,
    operator: Annotated[
        tuple[str, ...],
        Parameter(negative="", help="Who may look at it: an address; else all superusers."),
    ] = (),
    remove: Annotated[
        bool, Parameter(negative="", show_default=False, help="Remove all of it again.")
    ] = False,
    live: Annotated[
        bool,
        Parameter(
            negative="", show_default=False, help="Go on with a few events a second, until Ctrl-C."
        ),
    ] = False,
    common: Common = COMMON,
) -> int:
    """Make an account with the events of 90 days, and all that goes with them, to look around in.

    Nothing of it leaves this machine. Where it is there already, nothing is made twice.
    """
    from gatepost.cli.demo import fill, going, removal, shown
    from gatepost.cli.local import open_folder

    if remove and live:
        raise Failure("either --remove or --live", USAGE)
    local = open_folder(common, create=not remove)
    if remove:
        shown.removed(common, removal.remove(local))
        return OK
    made = fill.ensure(local, account, events, seed, None if common.json else say)
    made = shown.with_link(local, made, operator)
    shown.made(common, local, made)
    if live:
        going.run(local, made.account.id, seed)
    return OK
