"""Fixtures for tests of code that uses this library; pytest finds them by itself.

::

    async def test_enrolment(fota_simulator, fota_client):
        await enrol(fota_client, fota_simulator.upgrade_id, "990013907835573")
        assert fota_simulator.members() == {"990013907835573"}

They serve tests under pytest-asyncio, in either mode, under anyio's plugin, and tests that are not
async. See `fota_async.testing.plugin`. Without pytest: `fota_async.simulator.SimulatorThread`.
"""
