"""Which account a call is about, and whether it may be used."""

import re

from fota_async.simulator import refusals
from fota_async.simulator.exchange import Call, Refused
from fota_async.simulator.world import Account, World

# Digits and dashes, no more: the contract's own examples break any stricter shape.
_NAME = re.compile(r"[0-9]+(-[0-9]+)*", re.ASCII)


def account_of(world: World, call: Call) -> Account:
    """Return the account the call names, or refuse the call."""
    if not _NAME.fullmatch(call.account):
        raise Refused(refusals.invalid_parameter("Invalid account name format"))
    account = world.accounts.get(call.account)
    if account is None:
        raise Refused(refusals.connectivity("REQUEST_FAILED.AccountNotFound", "Unknown account."))
    if not account.active:
        raise Refused(refusals.invalid_parameter("Inactive account"))
    return account
