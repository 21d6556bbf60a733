"""The configuration: TOML where platformdirs says, site-wide first, then the user's, then the environment.

Every fault is named with its file and line, or its variable, and stops the command (`ConfigurationInvalid`).
"""

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, get_args

from docker_credential_harbor.errors import ConfigurationInvalid, NoHome, NotReadable
from docker_credential_harbor.model import LoginChoice, Registry, Settings, StorageChoice
from docker_credential_harbor.system import folders
from docker_credential_harbor.system.files import read_bytes
from docker_credential_harbor.warm_get import server_url

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

FILE_NAME = "config.toml"
NOT_UTF_8 = "it is not UTF-8 text (UTF-16?), save it as UTF-8"
PREFIX = "DOCKER_CREDENTIAL_HARBOR_"
USER_FILE_VARIABLE = PREFIX + "CONFIG"

# Variables that decide where configuration and secrets lie; a remembered pair is forgotten when one of them changes.
PLACE_VARIABLES = (
    "HOME",
    "XDG_CONFIG_HOME",
    "XDG_CONFIG_DIRS",
    "XDG_DATA_HOME",
    "XDG_STATE_HOME",
    "APPDATA",
    USER_FILE_VARIABLE,
)


class Sources(NamedTuple):
    """What the configuration was read from: all files that could take part, and all variables."""

    files: tuple[Path, ...]
    variables: tuple[str, ...]


def user_file(environ: "Mapping[str, str]" = os.environ) -> Path:
    """The user's file: the one that DOCKER_CREDENTIAL_HARBOR_CONFIG names, else the platform's own place.

    Raises NoHome, ConfigurationInvalid.
    """
    named = environ.get(USER_FILE_VARIABLE)
    return path_of(named, f"${USER_FILE_VARIABLE}") if named else folders.user_folder("config") / FILE_NAME


def sources(environ: "Mapping[str, str]" = os.environ) -> Sources:
    """The files in the order in which they are read (absent ones too), and the variables. Without a home there is no
    user's file.
    """
    keys = tuple(PREFIX + key.upper() for key in KEYS)
    files = list(site_files())
    with suppress(NoHome):
        files.append(user_file(environ))
    return Sources(tuple(files), (*PLACE_VARIABLES, *keys))


def site_files() -> tuple[Path, ...]:
    """The site-wide files, the most important one last."""
    return tuple(folder / FILE_NAME for folder in reversed(folders.site_config_folders()))


def load(environ: "Mapping[str, str]" = os.environ) -> Settings:
    """The settings in force. Raises ConfigurationInvalid."""
    return _load(sources(environ).files, environ)


def load_site() -> Settings:
    """What the site-wide files alone say, to every user. Raises ConfigurationInvalid."""
    return _load(site_files(), {})


def _load(paths: tuple[Path, ...], environ: "Mapping[str, str]") -> Settings:
    values: dict[str, Any] = {}
    registries: dict[str, Registry] = {}
    for path in paths:
        text = _read(path)
        if text is None:
            continue
        document = _parse(path, text)
        place = _Place(path, text)
        tables = document.pop("registries", {})
        for key, value in document.items():
            values.update(_setting(key, value, place.of(key)))
        if not isinstance(tables, dict):
            raise ConfigurationInvalid(place=place.of("registries"), reason="registries must be tables")
        for name, table in tables.items():
            registry = _registry(name, table, registries.get(_registry_name(name, place)), place)
            registries[registry.name] = registry
    for key in KEYS:
        variable = PREFIX + key.upper()
        if environ.get(variable):
            values.update(_setting(key, _from_environment(key, environ[variable], variable), f"${variable}"))
    return Settings()._replace(**values, registries=registries)


def registry_for(settings: Settings, url: str, *, erasing: bool = False) -> Registry | None:
    """The configured registry that a server URL of Docker names, or None.

    ``http://h`` names a registry only where its own url is http, or to erase (Docker's logout writes it so).
    Raises ValueError for a URL that is refused.
    """
    name, scheme = server_url.parse(url)
    registry = settings.registries.get(name)
    if registry and scheme == "http" and not erasing and not registry.url.startswith("http://"):
        return None
    return registry


# --- Keys -------------------------------------------------------------------------------------------------------------


def _one_of(*choices: str) -> "Callable[[object], bool]":
    return lambda value: value in choices


def _is_duration(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < 10**9


def _is_positive(value: object) -> bool:
    return _is_duration(value) and value != 0


# key: (field of Settings, check, what is wanted)
KEYS: "dict[str, tuple[str, Callable[[object], bool], str]]" = {
    "login": ("login", _one_of(*get_args(LoginChoice)), "auto, browser, device or never"),
    "storage": ("storage", _one_of(*get_args(StorageChoice)), "auto, keyring, kernel or file"),
    "cache_ttl": ("cache_ttl_seconds", _is_duration, "a number of seconds, or 0"),
    "timeout": ("timeout_seconds", _is_positive, "a number of seconds above 0"),
    "login_timeout": ("login_timeout_seconds", _is_positive, "a number of seconds above 0"),
    "negotiate": ("negotiate", _one_of("auto", "never"), "auto or never"),
}


def _setting(key: str, value: object, place: object) -> dict[str, Any]:
    if key not in KEYS:
        raise ConfigurationInvalid(place=place, reason=f"unknown key {key!r}")
    field, accepts, wanted = KEYS[key]
    if not accepts(value):
        raise ConfigurationInvalid(place=place, reason=f"{key} must be {wanted}")
    return {field: value}


def _from_environment(key: str, value: str, variable: str) -> object:
    if KEYS[key][1] not in (_is_duration, _is_positive):
        return value
    try:
        return float(value)
    except ValueError:
        raise ConfigurationInvalid(place=f"${variable}", reason=f"{key} must be {KEYS[key][2]}") from None


# --- Registries -------------------------------------------------------------------------------------------------------


def _registry_name(text: str, place: "_Place") -> str:
    at = place.of("registries", text)
    try:
        name, scheme = server_url.parse(text)
    except ValueError as fault:
        raise ConfigurationInvalid(place=at, reason=f"{text!r} is no registry: {fault}") from None
    if scheme or "/" in text or not name:
        raise ConfigurationInvalid(place=at, reason=f"{text!r} must be a host, or host:port, as in image names")
    return name


def _registry(text: str, table: object, before: Registry | None, place: "_Place") -> Registry:
    """One table; keys that a site-wide file has set before are kept where this one does not name them."""
    name = _registry_name(text, place)
    if not isinstance(table, dict):
        raise ConfigurationInvalid(place=place.of("registries", text), reason=f"registries.{text!r} must be a table")
    known = set(Registry._fields) - {"name"}
    values: dict[str, Any] = {}
    for key, value in table.items():
        at = place.of("registries", text, key)
        if key not in known:
            raise ConfigurationInvalid(place=at, reason=f"unknown key {key!r} in registries.{text!r}")
        values[key] = _registry_value(key, value, at, place.path.parent)
    return (before or Registry(name=name, url=f"https://{name}"))._replace(**values)


def _registry_value(key: str, value: object, place: object, folder: Path) -> object:
    if key == "scopes":
        if not (isinstance(value, list) and value and all(isinstance(scope, str) and scope for scope in value)):
            raise ConfigurationInvalid(place=place, reason="scopes must be a list of words")
        if "openid" not in value:
            raise ConfigurationInvalid(place=place, reason="scopes must have openid among them")
        return tuple(value)
    if not isinstance(value, str):
        raise ConfigurationInvalid(place=place, reason=f"{key} must be text in quotes")
    if key == "ca_file":
        # Not to the caller's folder: a sign-in has a process that works elsewhere, and `docker pull` runs anywhere.
        return path_of(value, place, folder)
    if key in ("url", "issuer", "redirect_uri"):
        _check_url(key, value, place)
    return value.rstrip("/") if key == "url" else value


def path_of(value: str, place: object, folder: Path = Path()) -> Path:
    """With ``~`` resolved; a relative one lies in ``folder`` (by default where the program was called)."""
    try:
        if "\0" in value:
            raise ValueError("there is a NUL character in it")
        return (folder / Path(value).expanduser()).absolute()
    except (ValueError, RuntimeError, OSError) as fault:
        raise ConfigurationInvalid(place=place, reason=f"{value!r} is no path: {fault}".rstrip(".")) from fault


def _check_url(key: str, value: str, place: object) -> None:
    try:
        name, scheme = server_url.parse(value)
    except ValueError as fault:
        raise ConfigurationInvalid(place=place, reason=f"{key} is no URL: {fault}") from None
    if scheme not in ("http", "https"):
        raise ConfigurationInvalid(place=place, reason=f"{key} must start with https://")
    if scheme == "http" and not server_url.is_loopback(name):
        raise ConfigurationInvalid(place=place, reason=f"{key}: http:// is for loopback addresses only, use https://")
    if key == "redirect_uri" and not server_url.is_loopback(name):
        raise ConfigurationInvalid(place=place, reason="redirect_uri must be a loopback address (RFC 8252 7.3)")


# --- Files ------------------------------------------------------------------------------------------------------------


def _read(path: Path) -> str | None:
    """Editors on Windows write a byte-order mark, which TOML 1.0 does not know; it says nothing."""
    try:
        content = read_bytes(path)
        text = None if content is None else content.decode("utf-8-sig")
        if text and "\0" in text:  # as UTF-16 looks where it has no mark
            raise ConfigurationInvalid(place=path, reason=NOT_UTF_8)
        return text
    except UnicodeDecodeError:
        raise ConfigurationInvalid(place=path, reason=NOT_UTF_8) from None
    except NotReadable as fault:
        raise ConfigurationInvalid(place=path, reason=f"it cannot be read: {fault.facts['reason']}") from fault


def _parse(path: Path, text: str) -> dict[str, Any]:
    try:
        return _loads(text)
    except ValueError as fault:  # TOMLDecodeError, and Python's own of a number with thousands of digits
        raise ConfigurationInvalid(place=path, reason=f"it is not TOML: {fault}") from fault
    except RecursionError:
        raise ConfigurationInvalid(place=path, reason="it is nested too deeply") from None


def _loads(text: str) -> dict[str, Any]:
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    return tomllib.loads(text)


class _Place:
    """Where a key stands, ``keys`` being the names that lead to it; its line is looked for once it is told.

    The TOML reader keeps no lines, so it reads each statement of a valid text by itself.
    """

    def __init__(self, path: Path, text: str, keys: tuple[str, ...] = ()) -> None:
        self.path = path
        self._text = text
        self._keys = keys

    def of(self, *keys: str) -> "_Place":
        return _Place(self.path, self._text, keys)

    def __str__(self) -> str:
        line = next((line for line, document in self._statements() if _leads(document, self._keys)), None)
        return f"{self.path}:{line}" if line else str(self.path)

    def _statements(self) -> "Iterator[tuple[int, object]]":
        """Each table's head, and each key below its table's head, with the line where it begins."""
        head, statement, begin = "", "", 1
        for number, line in enumerate(self._text.split("\n"), start=1):  # splitlines() knows ends that TOML does not
            statement += line + "\n"
            try:
                document = _loads(head + statement)
            except (ValueError, RecursionError):
                continue  # it goes on in the next line
            yield begin, document
            if statement.lstrip().startswith("["):
                head = statement
            statement, begin = "", number + 1


def _leads(document: object, keys: tuple[str, ...]) -> bool:
    for key in keys:
        if not isinstance(document, dict) or key not in document:
            return False
        document = document[key]
    return True
