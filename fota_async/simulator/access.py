"""Tokens, sessions and the lock: who may call."""

import secrets
import uuid
from base64 import b64decode

import attrs

from fota_async.simulator.rules import Rules

_LOCK_AFTER = 5
"""Refused logins in a row that lock a user (page "Start a Connectivity Management Session")."""


@attrs.define
class _Bearer:
    value: str
    ends: float
    spoiled: bool = False


@attrs.define
class Access:
    """One application and one user, their token and their sessions.

    Args:
        key: Application key.
        secret: Application secret.
        username: The "UWS" user.
        password: The user's password; a reset changes it.

    """

    key: str
    secret: str
    username: str
    password: str
    logins: int = 0
    refused_logins: int = 0
    token_requests: int = 0
    revocations: int = 0
    _refused_in_a_row: int = 0
    _bearer: _Bearer | None = None
    _last_use: dict[str, float] = attrs.field(factory=dict)

    @property
    def locked(self) -> bool:
        """Whether the user is locked, which only Verizon Support can undo."""
        return self._refused_in_a_row >= _LOCK_AFTER

    def knows_application(self, basic: str) -> bool:
        """Return whether `basic`, base64 as sent, is this application's key and secret."""
        try:
            sent = b64decode(basic, validate=True).decode()
        except ValueError:
            return False
        return sent == f"{self.key}:{self.secret}"

    def issue_token(self, rules: Rules, now: float) -> tuple[str, int]:
        """Return the bearer and the whole seconds it has left.

        Within the life of a bearer the same one is given again, a spoiled one too.
        """
        self.token_requests += 1
        if self._bearer is None or now >= self._bearer.ends:
            self._bearer = _Bearer(secrets.token_hex(16), now + rules.token_lifetime)
        return self._bearer.value, int(self._bearer.ends - now)

    def revoke_token(self, value: str) -> None:
        """End the bearer `value`, if it is the current one."""
        self.revocations += 1
        if self._bearer is not None and self._bearer.value == value:
            self._bearer = None

    def takes_token(self, value: str, now: float) -> bool:
        """Return whether the bearer `value` is good."""
        bearer = self._bearer
        return (
            bearer is not None
            and bearer.value == value
            and now < bearer.ends
            and not bearer.spoiled
        )

    def expire_token(self) -> None:
        """End the bearer as if its hour were over."""
        self._bearer = None

    def spoil_token(self) -> None:
        """Refuse the bearer from now on, yet give it out again until it is revoked."""
        if self._bearer is not None:
            self._bearer.spoiled = True

    def log_in(self, username: object, password: object, now: float) -> str | None:
        """Return a new session token, or None for a refusal, which counts."""
        right = username == self.username and password == self.password
        if self.locked or not right:
            self._refuse()
            return None
        self.logins += 1
        self._refused_in_a_row = 0
        token = str(uuid.uuid4())
        self._last_use[token] = now
        return token

    def use_session(self, token: str, rules: Rules, now: float) -> bool:
        """Return whether the session `token` is alive; using it prolongs its life."""
        last_use = self._last_use.get(token)
        if last_use is None:
            return False
        if now - last_use >= rules.session_idle:
            del self._last_use[token]
            return False
        self._last_use[token] = now
        return True

    def end_session(self, token: str) -> None:
        """End one session."""
        self._last_use.pop(token, None)

    def expire_sessions(self) -> None:
        """End every session as if all had been idle too long."""
        self._last_use.clear()

    def reset_password(self, old: object) -> str | None:
        """Return the new password, or None if `old` is wrong, which counts towards the lock."""
        if self.locked or old != self.password:
            self._refuse()
            return None
        self.password = secrets.token_urlsafe(12)
        return self.password

    def _refuse(self) -> None:
        self.refused_logins += 1
        self._refused_in_a_row += 1
