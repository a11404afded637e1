"""What only the sandbox has: its faults, and the record of what was handed in."""

from dataclasses import dataclass

from aiohttp import web

from registration.sandbox.attempts import Attempts
from registration.sandbox.faults import Dice, InvalidFaults, parse_faults
from registration.sandbox.json_body import NotJson, read_json


@dataclass(frozen=True, slots=True)
class ControlApi:
    dice: Dice
    attempts: Attempts

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/sandbox/faults", self.show_faults),
            web.put("/sandbox/faults", self.replace_faults),
            web.get("/sandbox/attempts", self.list_attempts),
        ]

    async def show_faults(self, _: web.Request) -> web.Response:
        return web.json_response(self.dice.faults.as_json())

    async def replace_faults(self, request: web.Request) -> web.Response:
        try:
            self.dice.load(parse_faults(await read_json(request)))
        except (NotJson, InvalidFaults) as error:
            return web.json_response({"Error": str(error)}, status=400)
        return web.json_response(self.dice.faults.as_json())

    async def list_attempts(self, _: web.Request) -> web.Response:
        return web.json_response(self.attempts.as_json())
