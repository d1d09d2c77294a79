"""From a call to its answer: the gateway, the faults, the handler."""

from collections.abc import Callable
from functools import partial

import attrs

from fota_async.simulator import auth_handlers, callback_handlers, gateway, upgrade_handlers
from fota_async.simulator.draws import Draws
from fota_async.simulator.exchange import Answer, Call, Refused
from fota_async.simulator.faults import Faults
from fota_async.simulator.mischief import MISCHIEF, Scene, comes_late, latency, pick
from fota_async.simulator.world import World

Handler = Callable[[World, Call, float], Answer]
"""Carries a call out at the given moment and answers, or raises `Refused`."""

HANDLERS: dict[str, Handler] = {
    "oauth_create_token": auth_handlers.create_token,
    "oauth_revoke_token": auth_handlers.revoke_token,
    "session_login": auth_handlers.log_in,
    "session_logout": auth_handlers.log_out,
    "session_reset_password": auth_handlers.reset_password,
    "v1_schedule_upgrade": upgrade_handlers.schedule_upgrade,
    "v1_get_upgrade": upgrade_handlers.get_upgrade,
    "v1_modify_upgrade": upgrade_handlers.modify_upgrade,
    "v1_cancel_upgrade": upgrade_handlers.cancel_upgrade,
    "v2_get_callback": callback_handlers.get_callback,
    "v2_register_callback": callback_handlers.set_callback,
    "v2_modify_callback": callback_handlers.set_callback,
    "v2_deregister_callback": callback_handlers.deregister_callback,
}


@attrs.define
class Service:
    """Answers calls.

    Args:
        world: The server's state.
        faults: What goes wrong.

    """

    world: World
    faults: Faults
    _draws: Draws = attrs.field(factory=Draws)

    async def respond(self, call: Call) -> tuple[Answer, str | None]:
        """Return the answer, its body in one piece, and the name of the fault it met."""
        try:
            gateway.check(self.world, call, self.world.now())
        except Refused as refused:
            return refused.answer, None
        if not call.route.is_fota:
            return self._carry_out(call, self.world.now()), None
        return await self._respond_with_faults(call)

    async def _respond_with_faults(self, call: Call) -> tuple[Answer, str | None]:
        world, faults, route = self.world, self.faults, call.route.name
        # Only what the gateway let through counts as seen: who is turned away there hangs
        # on the order of arrival.
        draw = self._draws.draw(faults.seed, route, call.path, call.body)
        if (seconds := latency(faults, route, draw)) > 0:
            await world.clock.sleep(seconds)
        name = pick(faults, route, draw)
        if name is None:
            return await self._carry_out(call, world.now()).gathered(), None
        mischief = MISCHIEF[name]
        answer = Answer()
        if mischief.applies:
            answer = await self._carry_out(call, world.now()).gathered()
        if comes_late(faults, name, route, draw):
            world.write_late(faults.late_write_seconds, partial(self._carry_out, call))
        return mischief.act(Scene(call, answer, draw, faults, world)), name

    def _carry_out(self, call: Call, moment: float) -> Answer:
        try:
            return HANDLERS[call.route.name](self.world, call, moment)
        except Refused as refused:
            return refused.answer
