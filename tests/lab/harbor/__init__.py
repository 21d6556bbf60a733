"""A stand-in for Harbor, written from what a real Harbor core was measured to do (tests/recordings/harbor.json).

`server` is the way in; one file a subject: `records` (who Harbor knows), `provider` (Harbor's side of OIDC), `sign_in`
(/c/oidc), `csrf`, `api` (/api/v2.0), `tokens` (/service/token), `registry` (/v2) and `pages`.
"""

from tests.lab.harbor.records import LocalAccount, Project, Robot, StoredToken, User
from tests.lab.harbor.server import Request, StandInHarbor
from tests.lab.harbor.tokens import Signer

__all__ = ["LocalAccount", "Project", "Request", "Robot", "Signer", "StandInHarbor", "StoredToken", "User"]
