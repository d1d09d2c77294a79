"""Fixtures for tests of code that uses this library; pytest finds them by itself.

    async def test_enrolment(fota_simulator, fota_client):
        upgrade_id = fota_simulator.upgrade_id
        await fota_client.v1.upgrades.append_devices(upgrade_id, ["990013907835573"])
        assert fota_simulator.members() == {"990013907835573"}

They serve tests under pytest-asyncio, in either mode, under anyio's plugin, and tests that are not
async. See `fota_async.testing.plugin`. Without pytest:

>>> from fota_async.simulator import SimulatorThread
>>> with SimulatorThread() as simulator_of_a_test:
...     there = {**environ, "THINGSPACE_BASE_URL": simulator_of_a_test.base_url}
...     async with FotaClient.from_env(environ=there) as client:
...         report = await client.v1.upgrades.append_devices(upgrade_id, imeis)
...     assert simulator_of_a_test.members() == set(imeis)
"""
