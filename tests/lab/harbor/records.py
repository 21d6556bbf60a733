"""Who and what Harbor knows: people with their stored token, robots, local accounts, projects.

Source: `users/current` in tests/recordings/harbor.json; secrets as Harbor's user documentation describes them.
"""

import secrets
import string
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

SECRET_RULE = (
    "the password or secret must be 8-128, inclusively, characters long "
    "with at least 1 uppercase letter, 1 lowercase letter and 1 number"
)
ILLEGAL_IN_NAMES = ',"~#%$'
# Go's oauth2 library calls a token expired this long before its end.
EARLY_SECONDS = 10


class ConflictError(ValueError):
    """A name or an e-mail address belongs to another record."""


def instant_text(instant: float) -> str:
    """Seconds since 1970 as Harbor writes them."""
    return datetime.fromtimestamp(instant, timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def new_secret(length: int = 32) -> str:
    """A random CLI secret that satisfies Harbor's rule."""
    letters = string.ascii_letters + string.digits
    while not acceptable(secret := "".join(secrets.choice(letters) for _ in range(length))):
        pass
    return secret


def acceptable(secret: str) -> bool:
    """Whether Harbor takes this as a CLI secret."""
    kinds = (str.isupper, str.islower, str.isdigit)
    return 8 <= len(secret) <= 128 and all(any(kind(letter) for letter in secret) for kind in kinds)


@dataclass
class StoredToken:
    """The provider's tokens that Harbor keeps for a user; `expires_at` is seconds since 1970."""

    access_token: str
    refresh_token: str | None
    id_token: str
    expires_at: float

    def is_expired(self, now: float) -> bool:
        """As Go's library sees it."""
        return now > self.expires_at - EARLY_SECONDS

    @classmethod
    def from_answer(cls, answer: dict[str, Any], now: float, old_refresh_token: str | None = None) -> "StoredToken":
        """From a token endpoint's answer; the old refresh token stays where no new one came."""
        return cls(
            answer["access_token"],
            answer.get("refresh_token") or old_refresh_token,
            answer.get("id_token", ""),
            now + float(answer.get("expires_in", 300)),
        )


@dataclass
class User:
    """A person who was onboarded. `subiss` is `sub` and `iss` in one, by which Harbor finds its users."""

    user_id: int
    username: str
    email: str
    subiss: str
    secret: str
    stored_token: StoredToken | None = None
    clock: Callable[[], float] = field(default=time.time, repr=False)
    creation_time: str = field(init=False)
    update_time: str = field(init=False)
    # Taken from the stored ID token at every use of the CLI secret.
    groups: frozenset[str] = frozenset()
    is_admin: bool = False
    # Set when the secret can no longer be read, as after a change of Harbor's secretKey.
    garbled: str | None = None

    def __post_init__(self) -> None:
        self.creation_time = self.update_time = instant_text(self.clock())

    def store(self, token: StoredToken) -> None:
        """Keeps what a callback or a refresh brought."""
        self.stored_token = token
        self.update_time = instant_text(self.clock())

    def set_secret(self, secret: str) -> None:
        """Only one secret is valid: the old one ends at once."""
        self.secret, self.garbled = secret, None
        self.update_time = instant_text(self.clock())

    def accepts(self, secret: str) -> bool:
        """Whether this is the CLI secret, whatever the stored token is worth."""
        return self.garbled is None and secrets.compare_digest(secret.encode(), self.secret.encode())

    def as_json(self) -> dict[str, Any]:
        """The answer of users/current."""
        return {
            "admin_role_in_auth": False,
            "comment": "Onboarded via OIDC provider",
            "creation_time": self.creation_time,
            "email": self.email,
            "oidc_user_meta": {
                "creation_time": self.creation_time,
                "id": self.user_id,
                "secret": self.secret if self.garbled is None else self.garbled,
                "subiss": self.subiss,
                "update_time": self.update_time,
                "user_id": self.user_id,
            },
            "realname": self.username,
            "sysadmin_flag": False,
            "update_time": self.creation_time,
            "user_id": self.user_id,
            "username": self.username,
        }


@dataclass(frozen=True)
class Robot:
    """A robot account: a Basic pair with no OIDC behind it."""

    name: str
    secret: str


@dataclass(frozen=True)
class LocalAccount:
    """An account in Harbor's own database, such as the administrator."""

    user_id: int
    name: str
    password: str
    creation_time: str = field(default_factory=lambda: instant_text(time.time()))

    def as_json(self) -> dict[str, Any]:
        """The answer of users/current."""
        return {
            "admin_role_in_auth": False,
            "comment": "admin user",
            "creation_time": self.creation_time,
            "realname": "system admin",
            "sysadmin_flag": True,
            "update_time": self.creation_time,
            "user_id": self.user_id,
            "username": self.name,
        }


@dataclass(frozen=True)
class Project:
    """A project; everybody who is known may push to and pull from it, strangers pull where it is public.

    With a `group` it is, of people, only for those in it.
    """

    name: str
    public: bool
    group: str = ""

    def keeps_out(self, account: "Account") -> bool:
        """Whether this account is a person outside the project's group, and no administrator."""
        person = account if self.group and isinstance(account, User) else None
        return person is not None and self.group not in person.groups and not person.is_admin


Account = User | Robot | LocalAccount


class Users:
    """The people Harbor knows, looked up by name or by sub and iss."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._records: list[User] = []
        self._lock = threading.Lock()
        self._next_id = 3

    def __iter__(self) -> Iterator[User]:
        return iter(list(self._records))

    def __len__(self) -> int:
        return len(self._records)

    def __getitem__(self, username: str) -> User:
        user = self.get(username)
        if user is None:
            raise KeyError(username)
        return user

    def __contains__(self, username: object) -> bool:
        return any(user.username == username for user in self)

    def get(self, username: str) -> User | None:
        """The user of that Harbor name."""
        return next((user for user in self if user.username == username), None)

    def by_subiss(self, subiss: str) -> User | None:
        """The user of that sub and iss."""
        return next((user for user in self if user.subiss == subiss), None)

    def by_id(self, user_id: int) -> User | None:
        """The user of that number."""
        return next((user for user in self if user.user_id == user_id), None)

    def next_id(self) -> int:
        """A number that no account has."""
        with self._lock:
            self._next_id += 1
            return self._next_id

    def add(self, username: str, email: str, subiss: str) -> User:
        """A new record with a random secret; ConflictError with Harbor's own words when name or e-mail is taken."""
        user = User(self.next_id(), username, email, subiss, new_secret(), clock=self._clock)
        with self._lock:
            if any(other.username == username or (email and other.email == email) for other in self._records):
                raise ConflictError(f"failed to create user record: user {username} or email {email} already exists")
            self._records.append(user)
        return user

    def remove(self, username: str) -> None:
        """Removes a record, as only an administrator does."""
        with self._lock:
            self._records = [user for user in self._records if user.username != username]
