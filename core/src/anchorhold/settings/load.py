"""Finding and reading the settings file, and completing it with defaults."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pydantic import ValidationError

from anchorhold.errors import SettingsError
from anchorhold.remedy import Remedy
from anchorhold.settings.model import Settings
from anchorhold.settings.validation_errors import first_error

if TYPE_CHECKING:
    from collections.abc import Mapping

FILE_NAME: Final = "config.toml"
CONFIG_VARIABLE: Final = "ANCHORHOLD_CONFIG"
STORAGE_PATHS: Final = ("location", "key_filename", "known_hosts")
"""Options of storages that name files and folders of this machine."""
OVERRIDES: Final = {"ca_dir": "ANCHORHOLD_CA_DIR", "database": "ANCHORHOLD_DATABASE"}
"""Settings that a variable of the environment overrides."""


_FORMATS: Final = {".yaml": "YAML", ".yml": "YAML", ".json": "JSON", ".py": "Python", ".ini": "INI"}
"""By the ends of names."""
_SIGNS: Final = {
    "YAML": re.compile(rb"(\s*#.*\n|\s*\n)*(---|%YAML|[\w-]+:(\s|$))"),
    "JSON": re.compile(rb"\s*\{"),
}
"""By what they begin with."""
_WIDE: Final = (b"\xff\xfe", b"\xfe\xff")
"""Byte-order marks of UTF-16 and UTF-32."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedSettings:
    """Settings and where they came from.

    Attributes:
        settings: Complete and checked.
        path: The file, or None if there was none.
        folder: Where relative paths start: the folder of the file, or the working folder.
        origins: For each top-level key, and each alias in a table (``key_backends.hsm``): ``default``, the path of
            the file, or the name of a variable.
    """

    settings: Settings
    path: Path | None
    folder: Path
    origins: Mapping[str, str]

    def database_url(self, environment: Mapping[str, str]) -> str:
        """URL of the ledger's database, which may hold a password.

        Args:
            environment: The variables.

        Raises:
            SettingsError: The variable or file that the settings name for it is not there.
        """
        url = self.settings.database.require(environment, "database, URL of the ledger").reveal().strip()
        scheme, slashes, place = url.partition(":///")
        return f"{scheme}{slashes}{self.folder / place}" if scheme == "sqlite" and place else url

    def folders_of_keys(self, environment: Mapping[str, str]) -> tuple[Path, ...]:
        """Folders of this machine in which keys lie, as far as the settings tell, and that of a ledger that is a file.

        Args:
            environment: The variables.
        """
        scheme, _, place = self.database_url(environment).partition(":///")
        ledger = [Path(place).parent] if scheme == "sqlite" and place else []
        places = [folder for storage in self.settings.storages.values() if (folder := storage.folder) is not None]
        return (self.settings.ca_dir, *places, *ledger)


def user_file() -> Path:
    """Where a user's settings file is looked for."""
    from platformdirs import user_config_path

    return user_config_path("anchorhold", appauthor=False) / FILE_NAME


def system_file() -> Path:
    """Where the machine's settings file is looked for."""
    from platformdirs import site_config_path

    return site_config_path("anchorhold", appauthor=False) / FILE_NAME


def find_file(explicit: Path | None, environment: Mapping[str, str]) -> Path | None:
    """The settings file: the one named, ``ANCHORHOLD_CONFIG``, the user's, the system's, or none.

    Raises:
        SettingsError: A file was named and is not there.
    """
    for owner, named in (("--config", explicit), (CONFIG_VARIABLE, environment.get(CONFIG_VARIABLE))):
        if named:
            path = Path(named)
            if not _is_file(path):
                raise SettingsError(
                    f"{path}: this file, named by {owner}, does not exist or cannot be accessed",
                    hint="correct its path, or give this account access to its folder",
                )
            return path
    return next((path for path in (user_file(), system_file()) if _is_file(path)), None)


def _is_file(path: Path) -> bool:
    """Whether there is such a file that this account could find."""
    try:
        return path.is_file()
    except PermissionError:
        return False


def load_settings(config: Path | None = None, environment: Mapping[str, str] | None = None) -> LoadedSettings:
    """Read the settings.

    Args:
        config: The file; by default it is looked for.
        environment: The variables; by default ``os.environ``.

    Raises:
        SettingsError: The file cannot be read, or something in it is wrong: one line with the path to the key.
    """
    environment = os.environ if environment is None else environment
    path = find_file(config, environment)
    content = read_file(path) if path is not None else {}
    return with_defaults(content, path, environment)


def with_defaults(content: Mapping[str, Any], path: Path | None, environment: Mapping[str, str]) -> LoadedSettings:
    """Lay the file's content and the environment over the defaults.

    Raises:
        SettingsError: Something is wrong.
    """
    overrides = {key: environment[variable] for key, variable in OVERRIDES.items() if environment.get(variable)}
    folder = path.absolute().parent if path is not None else Path.cwd()
    given = {**_with_files_below(folder, content), **overrides}
    ca_dir = _ca_dir(given.get("ca_dir"), folder if "ca_dir" not in overrides else Path.cwd(), str(path or "settings"))
    values: dict[str, Any] = {**_defaults(ca_dir), **_place_for_ocsp(given, ca_dir), "ca_dir": ca_dir}
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        raise first_error(error, Settings, str(path or "settings")) from None
    settings = _anchored(settings, folder)
    origins = _origins(settings, content, path, overrides)
    return LoadedSettings(settings=settings, path=path, folder=folder, origins=origins)


def read_file(path: Path) -> dict[str, Any]:
    """What is in a settings file, right or wrong.

    Raises:
        SettingsError: It cannot be read, or is no TOML.
    """
    import tomllib

    try:
        content = path.read_bytes()
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read ({error.strerror})", hint="check its permissions") from error
    if content.startswith(_WIDE) or content[1:2] == b"\0" or content[:1] == b"\0":
        raise SettingsError(f"{path}: is UTF-16 or UTF-32, and TOML is UTF-8", hint="save it as UTF-8")
    try:
        return tomllib.loads(content.decode("utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        hint, remedy = _advice(path, content)
        raise SettingsError(f"{path}: not valid TOML ({error})", hint=hint, remedy=remedy) from error
    except RecursionError:
        raise SettingsError(f"{path}: nests tables or arrays too deeply", hint="correct it") from None


def _advice(path: Path, content: bytes) -> tuple[str, Remedy | None]:
    """What to do about a file that is no TOML; people bring settings from programs that have other formats."""
    kind = _FORMATS.get(path.suffix.lower()) or next(
        (kind for kind, sign in _SIGNS.items() if sign.match(content)), None
    )
    if kind is None:
        return "correct that line", None
    return f"settings are TOML here, not {kind}; write a new file", Remedy("settings.write")


def _ca_dir(given: object, folder: Path, where: str) -> Path:
    if given is None:
        from platformdirs import user_data_path

        return user_data_path("anchorhold", appauthor=False)
    if not isinstance(given, str) or not given or "\0" in given:
        raise SettingsError(f"{where}: ca_dir: is not the path of a folder", hint='write ca_dir = "PATH"')
    return folder / Path(given).expanduser()


def _defaults(ca_dir: Path) -> dict[str, Any]:
    alias = {"default": {"backend": "storages", "options": {}}}
    return {
        "database": f"sqlite:///{ca_dir / 'ledger.sqlite3'}",
        "storages": {"default": {"backend": "local", "options": {"location": str(ca_dir)}}},
        "key_backends": alias,
        "ocsp_key_backends": alias,
    }


def _place_for_ocsp(given: dict[str, Any], ca_dir: Path) -> dict[str, Any]:
    """The same, with a storage for the implied alias of OCSP keys where the storages are given and none is `default`.

    Keys of authorities never get there: their aliases name their storage, or say that there is no `default`.
    """
    storages = given.get("storages")
    if not isinstance(storages, dict) or "default" in storages or "ocsp_key_backends" in given:
        return given
    name = next(name for number in count() if (name := f"ca-dir{f'-{number}' if number else ''}") not in storages)
    return {
        **given,
        "storages": {**storages, name: {"backend": "local", "options": {"location": str(ca_dir)}}},
        "ocsp_key_backends": {"default": {"backend": "storages", "options": {"storage_alias": name}}},
    }


def _with_files_below(folder: Path, value: Any) -> Any:
    """The same, with references to files (``{ file = "PATH" }``) that start at the folder."""
    match value:
        case {"file": str(path), **rest} if path and not rest:
            return {"file": str(folder / Path(path).expanduser())}
        case dict():
            return {key: _with_files_below(folder, part) for key, part in value.items()}
        case _:
            return value


def _anchored(settings: Settings, folder: Path) -> Settings:
    """Relative paths in a settings file start at the folder of that file."""
    storages = {
        name: storage.model_copy(
            update={"options": {key: _path_below(folder, key, value) for key, value in storage.options.items()}}
        )
        for name, storage in settings.storages.items()
    }
    responses = settings.ocsp_responses
    if responses.folder is not None:
        responses = responses.model_copy(update={"folder": folder / responses.folder.expanduser()})
    return settings.model_copy(update={"storages": storages, "ocsp_responses": responses})


def _path_below(folder: Path, option: str, value: Any) -> Any:
    """An option of a storage, absolute if it is the path of a file or folder here."""
    is_path = option in STORAGE_PATHS and isinstance(value, str) and "://" not in value  # URLs are refused as written
    return str(folder / Path(value).expanduser()) if is_path else value


def _origins(
    settings: Settings, content: Mapping[str, Any], path: Path | None, overrides: Mapping[str, str]
) -> dict[str, str]:
    origins = {}
    for key in type(settings).model_fields:
        origin = str(path) if key in content else "default"
        origins[key] = OVERRIDES[key] if key in overrides else origin
    return origins
