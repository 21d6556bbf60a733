"""What one ``get`` can know of a registry, and the steps that it can take next. Values only; next_step.py decides.

Here as in model.py, and wherever else a `get` makes a NamedTuple, annotations are not put off (``from __future__``):
typing compiles each that is a text.
"""

from enum import Enum, auto
from typing import NamedTuple

from docker_credential_harbor.errors import Failure
from docker_credential_harbor.model import Credentials, LoginRedirect, PairKind, Registry


class Probe(Enum):
    ACCEPTED = auto()
    REFUSED = auto()


class Refresh(Enum):
    FRESH = auto()
    INVALID_GRANT = auto()


class User(Enum):
    """What ``users/current`` said about the pair in hand."""

    SAME_SECRET = auto()
    ANOTHER_SECRET = auto()
    UNREADABLE_SECRET = auto()
    REFUSED = auto()


class Asked(Enum):
    """How a walk or a sign-in by the person ended, where it did not fail outright."""

    DONE = auto()
    NOT_PASSED = auto()  # the time was over and Harbor still refused
    IN_VAIN = auto()  # so too, although Harbor has stored a new token meanwhile


class Step(Enum):
    """A step that one file carries out; inquiry/run.py and worker.py know which."""

    PROBE = auto()
    READ_PAIR_KIND = auto()
    REFRESH = auto()
    READ_CURRENT_USER = auto()
    READ_UPDATE_TIME = auto()  # for the trust window of later `get`s
    READ_LOGIN_REDIRECT = auto()
    RENEW_HARBOR_SIDE = auto()
    SET_SECRET = auto()
    LOOK_FOR_TICKET = auto()
    SIGN_IN_BY_TICKET = auto()
    RENEW_BY_TICKET = auto()
    SIGN_IN = auto()


class HandOut(NamedTuple):
    """The pair in hand is the answer. ``unverified``: why nobody could ask Harbor about it now."""

    unverified: Failure | None = None


class NotFound(NamedTuple):
    """There is no pair to give; ``reason`` goes to standard error."""

    reason: Failure


class Known(NamedTuple):
    """True at the start above the line; below it one field a finding, None until somebody looked."""

    registry: Registry
    pair: Credentials | None = None
    pair_kind: PairKind | None = None  # of a stored pair; None: the pair of the person signed in
    trusted: bool = False  # the trust window is not over
    signed_in: bool = False
    person: str = ""  # who is signed in, for messages
    id_token_expired: bool = False
    can_refresh: bool = True  # some providers give no refresh token
    nobody_to_ask: str | None = None  # why no person can be asked from here; None: one can be
    paused_seconds: int = 0  # after a declined sign-in no window opens by itself for so long
    last_window: str | None = None  # code of what the last window ended with; None: well, or not noted
    # ---
    probe: Probe | None = None
    update_time_wanted: bool = False  # once the probe has passed: trust_window.py would know more by it
    refresh: Refresh | None = None
    user: User | None = None
    redirect: LoginRedirect | None = None
    audience_has_harbor: bool | None = None  # known once the redirect is
    walk: Asked | None = None
    sign_in: Asked | None = None
    secret_set: bool = False
    has_ticket: bool | None = False  # of Kerberos; None at the start: to be looked for before a person is asked
    ticket_sign_in: bool | None = None  # whether our own sign-in by it came to its end
    ticket_walk: bool | None = None  # whether Harbor's login did
    ticket_refused: Failure | None = None  # why a walk by it was not to be had, where a person could mend that
    unreachable: Failure | None = None
    stopped: Failure | None = None  # declined, client refused, …: nothing more can be tried in this run
