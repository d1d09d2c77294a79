"""`fota doctor`: is everything there that a command needs, and what to do where it is not."""

import sys
from collections.abc import AsyncGenerator
from contextlib import aclosing

from fota_async.cli.calls import CALL, Call, CallFlags, as_line
from fota_async.cli.checks import NAMES, AccountChecks, Check, check_proxy, check_server
from fota_async.cli.exits import Exit
from fota_async.cli.output import print_pieces, told
from fota_async.errors import ConfigurationError, LoginRefusedError
from fota_async.printable import printable
from fota_async.retry import RetryPolicy
from fota_async.transport import check_base_url

_PATIENCE = RetryPolicy(tries=2, max_pause=30.0)


async def doctor(*, flags: Call = CALL) -> int:
    """Check what a command needs: proxy, server, TLS, clock, credentials, account, callbacks.

    A line each: ok, warn, fail, or skipped where something before it failed. Reads only; logs in
    once at most, and never with a password that was refused before. Ends with 3 if something fails.

    Example: fota doctor
    """
    as_json = flags.json or not sys.stdout.isatty()
    failed = False
    async with aclosing(_checks(flags)) as checks:
        async for check in checks:
            failed |= check.state == "fail"
            if not print_pieces([as_line(check) if as_json else _line(check)]):
                return Exit.ERROR
    return Exit.INCOMPLETE if failed else Exit.DONE


def _line(check: Check) -> str:
    return f"{check.state:<8}{check.name:<13}{printable(check.message)}\n"


async def _checks(flags: CallFlags) -> AsyncGenerator[Check]:
    seen = set[str]()
    async with aclosing(_as_far_as_it_goes(flags)) as checks:
        async for check in checks:
            seen.add(check.name)
            yield check
    for name in NAMES:
        if name not in seen:
            yield Check(name, "skipped", "what failed comes first")


async def _as_far_as_it_goes(flags: CallFlags) -> AsyncGenerator[Check]:
    try:
        base_url = check_base_url(flags.base_url)
    except ConfigurationError as error:
        yield Check("server", "fail", f"{error}; look at --base-url and THINGSPACE_BASE_URL")
        return
    yield check_proxy(base_url, trust_env=flags.trust_env)
    async with aclosing(check_server(base_url, flags.timeout, trust_env=flags.trust_env)) as checks:
        async for check in checks:
            yield check
            if check.state == "fail":
                return
    look = AccountChecks()
    try:
        client, _ = flags.guarded_client(look.hear, retry=_PATIENCE, one_login=True)
    except (ConfigurationError, LoginRefusedError) as error:
        yield Check("credentials" if flags.account else "account", "fail", told(error))
        return
    async with client, aclosing(look.of(client)) as checks:
        async for check in checks:
            yield check
