"""From a call to its answer: the gateway, the faults, the handler."""

from functools import partial

import attrs
import msgspec

from fota_async.simulator import (
    auth_handlers,
    callback_handlers,
    campaign_handlers,
    candidate_handlers,
    device_handlers,
    file_handlers,
    firmware_handlers,
    gateway,
    history_handlers,
    license_handlers,
    logging_handlers,
    refusals,
    report_handlers,
    subscription_handlers,
    upgrade_handlers,
)
from fota_async.simulator.draws import Draws
from fota_async.simulator.exchange import Answer, Call, Refused
from fota_async.simulator.faults import Faults
from fota_async.simulator.mischief import MISCHIEF, Scene, comes_late, latency, pick
from fota_async.simulator.spelling import ODD
from fota_async.simulator.world import Handler, World

HANDLERS: dict[str, Handler] = {
    **auth_handlers.HANDLERS,
    **callback_handlers.HANDLERS,
    **candidate_handlers.HANDLERS,
    **device_handlers.HANDLERS,
    **file_handlers.HANDLERS,
    **firmware_handlers.HANDLERS,
    **license_handlers.HANDLERS,
    **logging_handlers.HANDLERS,
    **subscription_handlers.HANDLERS,
    **campaign_handlers.HANDLERS,
    **history_handlers.HANDLERS,
    **report_handlers.HANDLERS,
    **upgrade_handlers.HANDLERS,
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
            handler = HANDLERS.get(call.route.name)
            if handler is None:
                return refusals.unknown_resource()
            return self._spelt(call, handler(self.world, call, moment))
        except Refused as refused:
            return refused.answer

    def _spelt(self, call: Call, answer: Answer) -> Answer:
        spelling = ODD.get(call.route.name) if self.world.rules.spelling == "odd" else None
        content = answer.content if spelling is not None else b""
        if spelling is None or not content:
            instead = spelling.instead if spelling is not None else None
            return answer if instead is None else Answer.of(instead)
        document = spelling.of(msgspec.json.decode(content))
        if answer.longer:
            document |= answer.longer
        return answer.with_content(msgspec.json.encode(document))
