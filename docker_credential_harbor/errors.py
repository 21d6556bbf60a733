"""Everything that a person can be told: one class a cause, with its code, what happened and what to do.

The texts that Docker and other callers match on stand first. A message is one line; facts put into it are made fit to
be shown (clean_text.py), and quoted where they stand in a command or a file. Nothing secret is ever handed to an error.
"""

from __future__ import annotations

from typing import ClassVar

from docker_credential_harbor.outside.clean_text import in_shell, in_toml, shown

NOT_FOUND = "credentials not found in native keychain"
NO_SERVER_URL = "no credentials server URL"
NO_USERNAME = "no credentials username"

EXIT_FAILURE = 1
EXIT_USAGE = 2


class Fact(str):
    """A fact in a text: in a template ``:sh`` has it as one word of a command, ``:toml`` as text in quotes."""

    __slots__ = ()

    def __format__(self, place: str) -> str:
        if place == "sh":
            return in_shell(self)
        return in_toml(self) if place == "toml" else super().__format__(place)


def _page_error(conflict: str) -> str:
    """Nobody but the browser sees it. ``conflict``: what to do about a 409."""
    causes = f"400: Harbor's client secret at the identity provider; 409: {conflict}"
    return f"if Harbor's page shows an error, its administrator has to mend that ({causes})"


GO_WITHOUT = "go without a client: set client_id = '' and run: docker-credential-harbor login {registry:sh}"
HARBORS_PAGE = _page_error("remove the old user of that name or e-mail address")


MORE = "doctor says more"  # of a failure with more than one remedy


class Failure(Exception):
    """A cause that a person can be told. ``what``, ``advice`` and ``otherwise`` are filled with the facts given.

    ``advice`` is the one remedy that is likeliest. ``otherwise``: the others, which `doctor` tells where it meets this.
    """

    code: ClassVar[str] = ""
    what: ClassVar[str] = ""
    advice: ClassVar[str] = ""
    otherwise: ClassVar[str] = ""
    exit_status: ClassVar[int] = EXIT_FAILURE
    longest_fact: ClassVar[int] = 500  # characters

    def __init__(self, **facts: object) -> None:
        self.facts = {name: Fact(shown(value, self.longest_fact)) for name, value in facts.items()}
        super().__init__(str(self))

    @property
    def message(self) -> str:
        """What happened, without the advice."""
        return self.what.format_map(self.facts)

    @property
    def remedy(self) -> str:
        """The one thing to do that is likeliest to help."""
        return self.advice.format_map(self.facts)

    @property
    def every_remedy(self) -> str:
        """All that may help, the likeliest first."""
        return f"{self.remedy}; {self.otherwise.format_map(self.facts)}" if self.otherwise else self.remedy

    @property
    def fix(self) -> str:
        """What to do about it, in a message."""
        return f"{self.remedy}; {MORE}" if self.otherwise else self.remedy

    @property
    def note_code(self) -> str:
        """The code that is told with this failure, and under which another process finds it in the notes."""
        return self.code

    def __str__(self) -> str:
        return f"{self.message}: {self.fix}" if self.fix else self.message


# --- Requests that are wrong in themselves ---------------------------------------------------------------------------


class NoServerUrl(Failure):
    code = "no-server-url"
    what = NO_SERVER_URL


class NoUsername(Failure):
    code = "no-username"
    what = NO_USERNAME


class UnacceptableServerUrl(Failure):
    code = "unacceptable-server-url"
    what = "the server URL is not acceptable: {reason}"


class UnacceptablePayload(Failure):
    code = "unacceptable-payload"
    what = "the payload is not acceptable: {reason}"


class WrongUsage(Failure):
    """Of a command for people."""

    code = "wrong-usage"
    what = "{reason}"
    advice = "try {program} --help"
    exit_status = EXIT_USAGE


# --- Configuration ---------------------------------------------------------------------------------------------------


class ConfigurationInvalid(Failure):
    """``place`` is a file, with a line where there is one, or an environment variable."""

    code = "configuration-invalid"
    what = "{place}: {reason}"
    advice = "correct it and run the command again"


class ClientConfigInvalid(Failure):
    """Of Docker, podman or Helm; the path tells which."""

    code = "client-config-invalid"
    what = "the configuration {place} cannot be used: {reason}"
    advice = "correct it (nothing in it was changed)"


class ClientConfigUnread(ClientConfigInvalid):
    """Only for its encoding, which `setup` can mend."""

    code = "client-config-unread"
    what = "no client reads the configuration {place}: {reason}"
    advice = "run: docker-credential-harbor setup {registry:sh}, which writes it anew"


class NotEntered(Failure):
    """`setup` asks Harbor before it writes anything."""

    code = "not-entered"
    what = "{registry} was not entered: {reason}"
    advice = "{fix}"


class AnotherCredsStore(Failure):
    """Docker would no longer find what the other helper keeps."""

    code = "another-creds-store"
    what = "{path} names docker-credential-{helper} for every server already, and nothing was changed"
    advice = "run setup without --credentials-store"


class ChangedMeanwhile(Failure):
    """None of those who write it takes a lock; see config/file_change.py."""

    code = "changed-meanwhile"
    what = "{path} was changed by another program each time `setup` was about to write it, and was let be"
    advice = "run it again"


class PlainPairs(Failure):
    """Docker does not look at them any more once there is a ``credsStore``."""

    code = "plain-pairs"
    what = "{path} holds pairs in plain text ({servers}), and nothing was changed"
    advice = "run it again and say yes to moving them (--yes)"


class SystemSetupElsewhere(Failure):
    """No other system has a folder that new homes are copied from and that clients' files have a fixed place in."""

    code = "system-setup-elsewhere"
    what = "setup --system is for Linux only"
    advice = "run docker-credential-harbor setup REGISTRY as each user"
    exit_status = EXIT_USAGE


class SystemSetupNeedsRoot(Failure):
    code = "system-setup-needs-root"
    what = "setup --system writes for every user and needs root"
    advice = "run it as root"


class SiteConfigurationClosed(Failure):
    """For nobody but its owner: every other user's configuration would be a broken one."""

    code = "site-configuration-closed"
    what = "{path} is closed to the users whom it is for"
    advice = "run: chmod {mode} {path:sh}"


class NoHome(Failure):
    """A user without an entry in the user database, as containers run programs, and no variables instead."""

    code = "no-home"
    what = "there is no place for this user's files: neither HOME, the user database nor {variable} names a folder"
    advice = "set HOME to an absolute path"


class NoRegistry(Failure):
    code = "no-registry"
    what = "no Harbor registry is configured"
    advice = "run: docker-credential-harbor setup REGISTRY"
    exit_status = EXIT_USAGE


class SeveralRegistries(Failure):
    code = "several-registries"
    what = "several registries are configured"
    advice = "name one of them: {names}"
    exit_status = EXIT_USAGE


class UnknownRegistry(Failure):
    code = "unknown-registry"
    what = "{registry} is not configured"
    advice = "run: docker-credential-harbor setup {registry:sh} (configured are: {names})"
    exit_status = EXIT_USAGE


# --- Harbor or the provider is away: nothing is concluded from these --------------------------------------------------


class Unreachable(Failure):
    """Refused, silent, too slow, 5xx, 429 or an answer that cannot be used. Never a reason to erase or to ask."""

    code = "unreachable"
    what = "{host} cannot be reached ({reason})"
    advice = "try again once it can"


class NoAnswer(Unreachable):
    """The time was over before the whole answer was there."""

    code = "no-answer"
    advice = "try again"
    otherwise = "or raise timeout"


class TlsFailed(Unreachable):
    code = "tls-failed"
    what = "the TLS certificate of {host} is not trusted ({reason})"
    advice = "name its authority's file: docker-credential-harbor setup --ca-file FILE REGISTRY"
    otherwise = "or add that to the system's trust store; and check this machine's clock"


class TlsTooOld(Unreachable):
    """TLS 1.1 at best (RFC 8996)."""

    code = "tls-too-old"
    what = "{host} offers no TLS version that is still safe"
    advice = "its administrator has to switch on TLS 1.2 or newer"


class ClientCertificateWanted(Unreachable):
    code = "client-certificate-wanted"
    what = "{host} wants a client certificate, for which there is no setting"
    advice = "its administrator has to let the helper's requests through without"


class HandshakeFailed(Unreachable):
    """The handshake failed for another cause."""

    code = "handshake-failed"
    what = "no TLS connection to {host} ({reason})"
    advice = "its administrator can see why"


class NotTls(Unreachable):
    """What answers is plain http, or another protocol without TLS."""

    code = "not-tls"
    what = "{host} does not speak TLS"
    advice = "check host and port of the configured url"
    otherwise = (
        "plain http is for loopback addresses only, with http:// in url: elsewhere its administrator has to put TLS in "
        "front"
    )


class HttpsWanted(Unreachable):
    code = "https-wanted"
    what = "{host} speaks TLS and was asked by http://"
    advice = "write https:// in the configured url"


class ProxyFailed(Unreachable):
    """``variable`` is the one that names the proxy."""

    code = "proxy-failed"
    what = "{host} cannot be reached through the proxy {proxy} ({reason})"
    advice = "check {variable}"
    otherwise = "or name the host in NO_PROXY where it can be reached without"


class ProxyWantsPassword(Unreachable):
    code = "proxy-wants-password"
    what = "the proxy {proxy} does not lead to {host} without the right user name and password"
    advice = "put them into {variable} before the host: USER:PASSWORD@{proxy}"


class ProxyUnusable(Unreachable):
    code = "proxy-unusable"
    what = "{host} cannot be asked: what {variable} names is no proxy that can be used ({reason})"
    advice = "correct or unset {variable}"


class ServerFault(Unreachable):
    code = "server-fault"
    what = "{host} answered with status {status}"
    advice = "try again later (its administrator can see why)"


class BrokenAnswer(Unreachable):
    code = "broken-answer"
    what = "{host} gave an answer that cannot be used ({reason})"
    advice = "check the configured url"


class NotHarborsRedirect(BrokenAnswer):
    """A sign-in of something before Harbor: oauth2-proxy, a gateway, Cloudflare Access, a captive portal."""

    code = "not-harbors-redirect"
    what = "{host} sends {path} on to {where}, and that is not Harbor's doing"
    advice = (
        "ask whoever runs what stands in front of Harbor there to let /v2/, /service/, /api/ and /c/ through without a "
        "sign-in of its own"
    )


class HarborCannotReachProvider(Unreachable):
    code = "harbor-cannot-reach-provider"
    what = "Harbor at {registry} cannot reach its identity provider"
    advice = "try again later (Harbor's administrator can see why)"


class BrokeOff(Unreachable):
    """An exception that nobody foresaw while something was found out. Its own words may hold a secret: the trace's."""

    code = "broke-off"
    what = "finding out broke off ({reason})"
    advice = "run it again with DOCKER_CREDENTIAL_HARBOR_TRACE=1 and report what it prints"


class LibraryUnusable(Unreachable):
    """What to do goes by where it was found: PYTHONPATH and a user's site-packages go before what was installed."""

    code = "library-unusable"
    what = "the Python library {library}{place} cannot be used ({reason})"
    advice = "{todo}"


class Busy(Unreachable):
    code = "busy"
    what = "another {what_runs} for {registry} is still running"
    advice = "try again in a moment"


# --- Harbor and the provider answer, and cannot serve this person -----------------------------------------------------


class NotOidcMode(Failure):
    code = "not-oidc-mode"
    what = "{registry} does not sign people in through OIDC"
    advice = "use docker login with a user name and password there"


class ProviderNotFound(Failure):
    code = "provider-not-found"
    what = "no identity provider was found behind the login of {registry}"
    advice = "set issuer in [registries.{registry:toml}]"


class IssuerMismatch(Failure):
    code = "issuer-mismatch"
    what = "the provider at {issuer} calls itself {found}"
    advice = "set issuer to exactly what the provider calls itself"


class AnotherName(Failure):
    """The ``redirect_uri`` of its login leads to another origin than the registry's ``url``."""

    code = "another-name"
    what = "{registry} calls itself {origin} (its external_url)"
    advice = "if you know that name, run docker-credential-harbor setup {origin:sh}"
    otherwise = "if yours is a proxy's, set issuer for it"


class NotVouchedFor(Failure):
    """Harbor's own redirect URI is an error at the provider, for the client that the registry names as Harbor's."""

    code = "not-vouched-for"
    what = "the provider does not take {redirect_uri} for {client_id!r}: this registry may play another"
    advice = "have its administrator explain that, then run docker-credential-harbor login {registry:sh}"


class IssuerUnconfirmed(Failure):
    """It sends no ``iss`` (RFC 9207), or takes any redirect URI: a person has to say that it is the right one."""

    code = "issuer-unconfirmed"
    what = "{issuer} cannot vouch for {registry} ({reason})"
    advice = "if you trust both, run docker-credential-harbor setup {registry:sh} at a terminal"
    otherwise = "or set issuer to it"


class AnotherIssuer(Failure):
    code = "another-issuer"
    what = "{registry} signs in at {issuer} now, not at {pinned}"
    advice = "if that is right, run: docker-credential-harbor login {registry:sh}"


class AnotherLogin(Failure):
    """Of a registry whose issuer is configured: our sign-in would be there, Harbor's own is not."""

    code = "another-login"
    what = "{registry} leads people to {endpoint}, not to {issuer} as configured"
    advice = "have its administrator explain that"
    otherwise = "or set issuer anew"


class ClientRefused(Failure):
    """``invalid_client``, ``unauthorized_client`` and the like (RFC 6749 5.2)."""

    code = "client-refused"
    what = "the identity provider does not accept the client {client_id!r} ({reason})"
    advice = "ask its administrator to add it"
    otherwise = "or set client_id in [registries.{registry:toml}]"


class ClientUnknown(Failure):
    code = "client-unknown"
    what = "the provider of {registry} does not take the client {client_id!r} with redirect URI {redirect_uri}"
    advice = "run docker-credential-harbor login {registry:sh} to go on with your CLI secret"
    otherwise = "or ask its administrator to add them"


class NoDeviceGrant(Failure):
    """No ``device_authorization_endpoint``, or ``unauthorized_client`` there (RFC 8628 3.1)."""

    code = "no-device-grant"
    what = "no browser can be opened, and the provider gives {client_id!r} no device code ({reason})"
    advice = "run docker login {registry:sh} with the CLI secret from {url} (user profile)"
    otherwise = "or run docker-credential-harbor login {registry:sh} where a browser is"


class AudienceMissing(Failure):
    code = "audience-missing"
    what = "Harbor at {registry} does not accept the ID token of {client_id!r}: its aud lacks {harbor_client_id!r}"
    advice = "have the provider's administrator add it there by a mapper of type Audience ('Add to ID token' on)"
    otherwise = f"or {GO_WITHOUT}"


class AudienceShared(Failure):
    """Whoever gets it could show it to the other Harbor, which answers with the person's CLI secret there."""

    code = "audience-shared"
    what = "the ID token for {registry} is not sent, as {other} takes it, too ({harbor_client_id!r} in its aud)"
    advice = "set client_id = '' and run: docker-credential-harbor login {registry:sh}"


class AudienceUnknown(AudienceShared):
    """Its `aud` has further clients, and the other Harbor was never asked for its own."""

    code = "audience-unknown"
    what = "the ID token for {registry} is not sent, as {other} may take it, too, and does not answer"
    advice = "try again once that can be reached"
    otherwise = "or take it out of the configuration"


class TokenTooLong(Failure):
    """Harbor itself takes it; web servers and proxies before it have room for 4 to 16 k of headers."""

    code = "token-too-long"
    what = "{host} refuses a request with the ID token of the client {client_id!r}, {characters} characters ({reason})"
    advice = "ask the provider's administrator to leave {excess} out of it"
    otherwise = f"or {GO_WITHOUT}"


class SecretRefused(Failure):
    """Harbor refused to set a CLI secret."""

    code = "secret-refused"
    what = "Harbor at {registry} did not take a new CLI secret ({reason})"
    advice = "make one in Harbor's user profile and run docker login {registry:sh}"


class NoSignInToRotate(Failure):
    """Harbor lets a secret be set with an ID token only, not with the secret itself."""

    code = "no-sign-in-to-rotate"
    what = "the CLI secret at {registry} can be replaced from here only by somebody who is signed in with a client"
    advice = "make a new one at {url} (user profile)"


class StillRefused(Failure):
    """No passing probe after the walk, and nothing shows that it was finished: the browser cannot be seen from here."""

    code = "still-refused"
    what = (
        "Harbor at {registry} still refuses the CLI secret of {username} after its login "
        "(409, new secret, other person or sub?)"
    )
    advice = "run: docker-credential-harbor login {registry:sh} and look at its page"
    otherwise = f"{HARBORS_PAGE}; if it shows another person, sign them out"


class RefusedAfterLogin(Failure):
    """Harbor has stored a new token meanwhile, so its login was walked, by this very person."""

    code = "refused-after-login"
    what = "Harbor at {registry} still refuses the CLI secret of {username} after its login, which was finished"
    advice = "likely Harbor's robot name prefix is empty (an administrator must set one)"


class StoredPairRefused(Failure):
    code = "stored-pair-refused"
    what = "Harbor refuses the stored CLI secret of {username} (409, new secret, other person?)"
    advice = "copy the new one from {url} (user profile) and run: {command}"
    otherwise = (
        f"{HARBORS_PAGE}; if the secret is unchanged, check who is signed in in the browser and whether Harbor's robot "
        "name prefix is empty"
    )


class StoredPairGoesFirst(Failure):
    """A sign-in is no use beside it."""

    code = "stored-pair-goes-first"
    what = "the stored pair of {username} goes first at {registry}, over any sign-in"
    advice = "to be rid of it run: docker logout {registry:sh}, then: docker-credential-harbor login {registry:sh}"


class SecretUnreadable(Failure):
    """Harbor's ``secretKey`` has changed, and its login was not walked since."""

    code = "secret-unreadable"
    what = "Harbor at {registry} cannot read the CLI secret that it keeps"
    advice = "sign in at {url} in a browser and try again"


class NotOnboarded(Failure):
    code = "not-onboarded"
    what = "Harbor at {registry} does not know {person} yet"
    advice = "finish the sign-in at {url}, unless that shows an error (409)"
    otherwise = (
        f"{HARBORS_PAGE}; if you are signed in there, the provider's sub differs per client: "
        "set client_id = '' in [registries.{registry:toml}] and run: docker-credential-harbor login {registry:sh}"
    )


class OldUserInTheWay(Failure):
    """Harbor knew this person, and does not any more: as a rule a provider deployed anew gave everybody a new `sub`."""

    code = "old-user-in-the-way"
    what = "Harbor at {registry} does not take {person} for its user {username} any more"
    advice = "have its administrator remove that user, then run: docker-credential-harbor login {registry:sh}"
    otherwise = "if a user name is asked for there, finish the sign-in at {url}; " + _page_error(
        "remove the old user {username}"
    )


# --- The person -------------------------------------------------------------------------------------------------------


class NobodyToAsk(Failure):
    """A sign-in or walk is due, and no person can be asked from here."""

    code = "nobody-to-ask"
    what = "{registry} needs a sign-in and nobody can be asked here ({reason})"
    advice = "{todo}"


class NoSignInNeeded(Failure):
    """The same, where the caller's command line shows that it can do without."""

    code = "no-sign-in-needed"
    what = "there is no pair for {registry}, and no sign-in is asked for ({reason})"
    advice = "to sign in all the same, {todo}"


class SessionEnded(Failure):
    """Only a person can begin a new one; ``finding``: what shows that."""

    code = "session-ended"
    what = "{finding}"
    advice = "{todo}"


class HarborNotKeptAlive(Failure):
    """It ends sooner than `keepalive` could come, while our own lives: nothing that a person has to begin anew."""

    code = "harbor-not-kept-alive"
    what = "Harbor's own sign-in at {registry} ends each time within {age}, as was seen, and cannot be kept alive"
    advice = "as a rule Harbor's administrator has to allow Harbor's client refresh tokens at the identity provider"


class OwnSessionEnded(Failure):
    """``invalid_grant`` for our own refresh token while Harbor still accepts the pair."""

    code = "own-session-ended"
    what = "the sign-in at the identity provider of {registry} has ended; pulls work for as long as Harbor's own lasts"
    advice = "run: docker-credential-harbor login {registry:sh}"


class NoClient(Failure):
    code = "no-client"
    what = "nobody is signed in at {registry} and no client is configured for it"
    advice = (
        "run docker-credential-harbor login {registry:sh}, which opens {url} and asks for the CLI secret shown there"
    )


class NoTerminal(Failure):
    code = "no-terminal"
    what = "the CLI secret for {registry} can only be asked for at a terminal"
    advice = "run this in one"


class NothingEntered(Failure):
    code = "nothing-entered"
    what = "nothing was entered for {registry}, so nothing was kept"
    advice = "run: docker-credential-harbor login {registry:sh}"


class PastedPairRefused(Failure):
    code = "pasted-pair-refused"
    what = "Harbor at {registry} refuses that user name and CLI secret, so nothing was kept"
    advice = "copy both from the user profile at {url} and run: docker-credential-harbor login {registry:sh}"


class SignInPaused(Failure):
    code = "sign-in-paused"
    what = (
        "the last sign-in at {registry} did not lead to a pair that works, so no window opens by itself for "
        "{seconds} s more"
    )
    advice = "{todo}"


class SignInDeclined(Failure):
    """``access_denied`` and any other ``error`` of the authorization response (RFC 6749 4.1.2.1, OIDC Core 3.1.2.6)."""

    code = "sign-in-declined"
    what = "the sign-in at {registry} was declined ({reason})"
    advice = "run: docker-credential-harbor login {registry:sh}"


class SignInTimedOut(Failure):
    code = "sign-in-timed-out"
    what = "nobody finished the sign-in at {registry} within {seconds} s"
    advice = "run: docker-credential-harbor login {registry:sh}"


class DeviceCodeExpired(SignInTimedOut):
    """``expired_token`` (RFC 8628 3.5), or the code's own ``expires_in`` is over."""

    code = "device-code-expired"
    what = "nobody confirmed the code at {registry} before it expired, after {seconds} s"


class SignInGoesOn(Failure):
    """Whoever asks for every registry, whatever the image, is not kept waiting for a person as long as a pull is."""

    code = "sign-in-goes-on"
    what = "the sign-in at {registry} is not waited for any longer here ({reason}), and goes on"
    advice = "finish it, then try again"


class SignInFailed(Failure):
    code = "sign-in-failed"
    what = "the sign-in at {registry} failed ({reason})"
    advice = "run: docker-credential-harbor login {registry:sh}"


class OfflineAccessRefused(SignInFailed):
    """``not_allowed`` or ``invalid_scope``: without offline_access the sign-in works, and lasts shorter."""

    code = "offline-access-refused"
    what = "the identity provider of {registry} does not grant offline_access ({reason})"
    advice = "the sign-in then lasts only as long as the browser's session"


class SignInEnded(Failure):
    """``erase`` or ``logout`` while a sign-in was under way, or its process was killed."""

    code = "sign-in-ended"
    what = "the sign-in at {registry} was ended before it was finished"
    advice = "run: docker-credential-harbor login {registry:sh}"


class SignInOpenedTwice(Failure):
    """The one-time address of the loopback server was visited again before anybody was signed in."""

    code = "sign-in-opened-twice"
    what = "the sign-in at {registry} was ended: its link was opened a second time, and it works once"
    advice = "run: docker-credential-harbor login {registry:sh}, and use the window that opens or the link, not both"


class NotRevoked(Failure):
    """The provider's answer to a revocation was an error (RFC 7009 2.2.1)."""

    code = "not-revoked"
    what = "the identity provider of {registry} did not revoke the sign-in"
    advice = "it ends by itself"


class IdTokenRejected(Failure):
    code = "id-token-rejected"
    what = "the ID token of {issuer} is not valid ({reason})"
    advice = "check this machine's clock and the configured issuer and client_id"


class SomebodyElse(Failure):
    code = "somebody-else"
    what = "{other} is signed in in the browser, not {known} who is known at {registry}"
    advice = "sign in there as {known}"


class PortBusy(Failure):
    code = "port-busy"
    what = "the browser cannot come back to {where}, as redirect_uri has it ({reason})"
    advice = "end the program that uses that port"


# --- Where secrets live -----------------------------------------------------------------------------------------------


class StoreUnavailable(Failure):
    code = "store-unavailable"
    what = "the {backend} cannot be used ({reason})"
    advice = "unlock or start it and try again"
    otherwise = "or set storage"


class StoreFull(StoreUnavailable):
    """EDQUOT of keyrings(7)."""

    code = "store-full"
    what = "the {backend} has no room for it ({reason})"
    advice = 'set storage to "auto" or "file"'
    otherwise = (
        "or free this user's keys (/proc/key-users shows their number and bytes), or have root raise the sysctls "
        "kernel.keys.maxkeys and kernel.keys.maxbytes"
    )


class TooLongForStore(StoreFull):
    """EINVAL of add_key(2): no user's share is large enough for it."""

    code = "too-long-for-store"
    what = "what is to be kept is too long for the {backend}"
    advice = 'set storage to "file"'
    otherwise = ""


class StoreDamaged(Failure):
    code = "store-damaged"
    what = "{place} is damaged ({reason})"
    advice = "run docker-credential-harbor logout and sign in again (it was left as it is)"
    otherwise = "or move it away"


class NotWritable(Failure):
    code = "not-writable"
    what = "{path} cannot be written ({reason})"
    advice = "make it writable for this user"


class NoSpace(NotWritable):
    """ENOSPC: no block or no inode is left (write(2), open(2))."""

    code = "no-space"
    advice = "make room on that file system (df -h and df -i show what is used there)"


class QuotaUsedUp(NotWritable):
    """EDQUOT: this user's share of the file system (quotactl(2))."""

    code = "quota-used-up"
    advice = "delete some of your files there"


class ReadOnlyFileSystem(NotWritable):
    code = "read-only-file-system"
    advice = "name another place (XDG_DATA_HOME, XDG_STATE_HOME, XDG_CONFIG_HOME)"


class FileSizeLimited(NotWritable):
    """EFBIG: RLIMIT_FSIZE (setrlimit(2))."""

    code = "file-size-limited"
    advice = "raise the limit on the size of files (ulimit -f)"


class TooManyOpenFiles(NotWritable):
    """EMFILE, ENFILE: RLIMIT_NOFILE, or the whole system's (open(2))."""

    code = "too-many-open-files"
    advice = "raise the limit on open files (ulimit -n)"


class NoFilesLeft(Unreachable):
    """EMFILE, ENFILE: no socket, or not even a file of Python's own."""

    code = "no-files-left"
    what = "no more files can be opened here ({reason})"
    advice = TooManyOpenFiles.advice


class MountedFile(NotWritable):
    """EBUSY: a file that is a mount point cannot be replaced (rename(2))."""

    code = "mounted-file"
    what = "{path} is mounted by itself, so that it cannot be replaced"
    advice = "mount the folder around it instead"


class NotLocked(Failure):
    """flock(2) fails there, as on some network file systems, and nowhere else is a place for the lock."""

    code = "not-locked"
    what = "{path} cannot be locked ({reason}), and no other place for the lock was found"
    advice = (
        "keep the helper's folder on a file system with locks (XDG_STATE_HOME, XDG_DATA_HOME), else pulls at once can "
        "end the sign-in"
    )


class NotReadable(Failure):
    code = "not-readable"
    what = "{path} cannot be read ({reason})"
    advice = "make it readable for this user"


class NoFileLeftToRead(NotReadable):
    """EMFILE, ENFILE."""

    code = "no-file-left-to-read"
    advice = TooManyOpenFiles.advice


class NoSuchFile(NotReadable):
    code = "no-such-file"
    what = "there is no {path}"
    advice = "name a file that is there"


class FolderInstead(NotReadable):
    """EISDIR: container engines make a folder where the file to be mounted is not there."""

    code = "folder-instead"
    advice = "put the file in the place of the folder"


class OutputNotWritten(Failure):
    """Whoever called closed standard output, or it leads to a full disk."""

    code = "output-not-written"
    what = "the answer cannot be written to standard output ({reason})"


class NotStarted(Failure):
    """A browser or the worker of a sign-in: the program is missing or may not run."""

    code = "not-started"
    what = "{program} cannot be started ({reason})"
    advice = "check that it is installed and may be run"


class ProcessLimit(NotStarted):
    """EAGAIN: of fork(2) and pthread_create(3), where RLIMIT_NPROC or a container's pids limit is reached."""

    code = "process-limit"
    what = "{program} cannot be started: as many processes and threads run as are allowed"
    advice = "raise the limit (ulimit -u, a container's pids limit)"


class NoScheduler(Failure):
    code = "no-scheduler"
    longest_fact = 4000  # a line to be copied must stay whole
    what = "nothing of this user's that could run keepalive by itself was found ({reason})"
    advice = "where there is cron, add by crontab -e: {line}"


class SchedulerFailed(Failure):
    code = "scheduler-failed"
    what = "{command} failed ({reason})"
    advice = "try it by hand"


# --- What another process found out, and what nobody foresaw -------------------------------------------------------


class Unexpected(Failure):
    """The last catch in ``__main__``."""

    code = "unexpected"
    what = "something unexpected happened ({reason})"
    advice = "run it again with DOCKER_CREDENTIAL_HARBOR_TRACE=1 and report what it prints"


class FoundOut(Failure):
    """A failure that another process met and noted, in its words."""

    code = "found-out"
    what = "{text}"
    longest_fact = 4000  # its facts are whole messages

    def __init__(self, code: str, text: str, fix: str = "") -> None:
        self._noted = code
        super().__init__(text=text, fix=fix)

    @property
    def remedy(self) -> str:
        return self.facts["fix"]

    @property
    def note_code(self) -> str:
        return self._noted

    @property
    def unreachable(self) -> bool:
        """Whether it was of the kind that nothing is concluded from."""
        return self._noted in _UNREACHABLE_CODES


def _codes(cause: type[Failure]) -> set[str]:
    return {cause.code}.union(*(_codes(kind) for kind in cause.__subclasses__()))


_UNREACHABLE_CODES = _codes(Unreachable)
