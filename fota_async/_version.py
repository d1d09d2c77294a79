"""The version, alone, so that a build can read it without importing anything."""

__version__ = "0.1.0"
"""The version of this library, three numbers as semantic versioning has them.

>>> client = FotaClient.from_env(environ=environ, user_agent=f"enrolment fota_async/{__version__}")
>>> await client.aclose()
"""
