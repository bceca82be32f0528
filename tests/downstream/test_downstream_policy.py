"""The example wrapper, installed from its wheel: asleep until the settings enable it, and then obeyed."""

from __future__ import annotations

import ast
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

import anchorhold.plugin
from anchorhold import errors
from downstream.wheel_environment import PROJECTS

if TYPE_CHECKING:
    from pathlib import Path

    from downstream.wheel_environment import Downstream

pytestmark = [
    pytest.mark.usefixtures("database"),
    pytest.mark.databases("sqlite", because="no more is installed than the wheels need"),
]

MODULE = PROJECTS["anchorhold_suffix_policy"] / "src" / "anchorhold_suffix_policy" / "__init__.py"


@pytest.fixture
def enabled(tmp_path: Path) -> Path:
    """Settings that enable the policy."""
    path = tmp_path / "config.toml"
    path.write_text('[wrappers.suffix-policy]\noptions = { suffixes = ["example.com", ".example.org"] }\n')
    return path


def names_issued(downstream: Downstream) -> list[list[str]]:
    return sorted(entry["names"] for entry in downstream.anchorhold("list-certs", "--output-format", "json").json)


def test_an_installed_policy_does_nothing_until_it_is_enabled(downstream: Downstream, csr_file: Path) -> None:
    assert downstream.anchorhold("init-ca", "Root", "CN=Root").exit_code == 0
    signed = downstream.anchorhold("sign-cert", "--ca", "Root", "--csr", csr_file, "--alt", "www.outside.net")
    assert signed.exit_code == 0, signed.talk
    assert names_issued(downstream) == [[], ["DNS:www.outside.net"]]


@dataclass(frozen=True)
class Naming:
    """A way to name the settings file.

    Attributes:
        arguments: Before the name of the command.
        variables: In the environment.
        enables: Whether a file is named at all.
    """

    arguments: tuple[str, ...] = ()
    variables: tuple[tuple[str, str], ...] = ()
    enables: bool = True


BY_OPTION = Naming(arguments=("--config", "config.toml"))
BY_VARIABLE = Naming(variables=(("ANCHORHOLD_CONFIG", "config.toml"),))
NOT_AT_ALL = Naming(enables=False)


@pytest.fixture
def naming(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Naming:
    """How the test names the settings file; its variables are set."""
    found: Naming = request.param
    for variable, value in found.variables:
        monkeypatch.setenv(variable, value)
    return found


@pytest.mark.usefixtures("enabled")
@pytest.mark.parametrize(
    "naming", [BY_OPTION, BY_VARIABLE, NOT_AT_ALL], ids=["option", "variable", "no settings"], indirect=True
)
def test_backends_tells_whether_the_policy_is_enabled(downstream: Downstream, naming: Naming) -> None:
    shown = downstream.anchorhold(*naming.arguments, "backends", "--output-format", "json").json
    state = "enabled" if naming.enables else "not enabled"
    assert [entry for entry in shown["installed"] if entry["name"] == "suffix-policy"] == [
        {"kind": "wrapper", "name": "suffix-policy", "from": "anchorhold-suffix-policy 0.1.0", "state": state}
    ]


@pytest.mark.usefixtures("enabled")
@pytest.mark.parametrize("naming", [BY_OPTION, BY_VARIABLE], ids=["option", "variable"], indirect=True)
def test_an_enabled_policy_refuses_in_one_line_and_nothing_is_issued(
    downstream: Downstream, naming: Naming, csr_file: Path, tmp_path: Path
) -> None:
    assert downstream.anchorhold(*naming.arguments, "init-ca", "Root", "CN=Root").exit_code == 0
    sign = [*naming.arguments, "sign-cert", "--ca", "Root", "--csr", str(csr_file)]
    refused = downstream.anchorhold(*sign, "--alt", "a.example.com", "--alt", "www.outside.net", "--out", "refused.pem")
    assert refused.exit_code == errors.RefusedError.exit_code
    assert refused.data == ""
    assert refused.talk == (
        "anchorhold: suffix-policy: www.outside.net is outside .example.com, .example.org; leave it out\n"
    )
    assert not (tmp_path / "refused.pem").exists()
    assert names_issued(downstream) == [[]]
    signed = downstream.anchorhold(*sign, "--alt", "www.example.com")
    assert signed.exit_code == 0, signed.talk
    assert names_issued(downstream) == [[], ["DNS:www.example.com"]]


ORDERS: dict[str, tuple[dict[str, object], bool]] = {
    "the suffix itself": ({"names": ["example.com"]}, True),
    "below it": ({"names": ["a.b.example.com"]}, True),
    "below another": ({"names": ["a.example.org"]}, True),
    "other case": ({"names": ["WWW.Example.COM"]}, True),
    "wildcard below": ({"names": ["*.example.com"]}, True),
    "address": ({"names": ["192.0.2.1"]}, True),
    "IPv6 address": ({"names": ["2001:db8::1"]}, True),
    "e-mail address": ({"names": ["me@outside.net"], "profile": "client"}, True),
    "common name of a person": ({"subject": "CN=Ada Lovelace", "profile": "client"}, True),
    "authority": ({"subject": "CN=ca.outside.net", "profile": "intermediate"}, True),
    "outside": ({"names": ["www.outside.net"]}, False),
    "ends alike": ({"names": ["notexample.com"]}, False),
    "suffix in the middle": ({"names": ["example.com.outside.net"]}, False),
    "above the suffix": ({"names": ["com"]}, False),
    "one label": ({"names": ["localhost"]}, False),
    "wildcard outside": ({"names": ["*.outside.net"]}, False),
    "last of several": ({"names": ["a.example.com", "b.example.com", "outside.net"]}, False),
    "common name beside": ({"names": ["a.example.com"], "subject": "CN=www.outside.net"}, False),
    "common name alone": ({"subject": "CN=www.outside.net", "profile": "client"}, False),
    "common name that ends in a digit": ({"subject": "CN=www.xn--abc9", "profile": "client"}, False),
    "common name of an address": ({"subject": "CN=192.0.2.1", "profile": "client"}, True),
    "second common name": ({"subject": "CN=a.example.com,CN=outside.net", "profile": "client"}, False),
    "name in an authority": ({"subject": "CN=Sub", "names": ["outside.net"], "profile": "intermediate"}, False),
}

SIGN_EACH = """
import json, pathlib, sys
import anchorhold

settings, csr, orders = map(pathlib.Path, sys.argv[1:])
signed = {}
with anchorhold.open_installation(settings) as installation:
    installation.authorities.create("Root", "CN=Root")
    with installation.certificates.issuer("Root") as issuer:
        for case, order in json.loads(orders.read_text()).items():
            try:
                issuer.sign(anchorhold.Order(csr=csr.read_bytes(), **order))
            except anchorhold.AnchorholdError as error:
                signed[case] = False if type(error).__name__ == "RefusedError" else str(error)
            else:
                signed[case] = True
print(json.dumps(signed))
"""


def test_host_names_are_compared_by_labels_and_nothing_else_is(
    downstream: Downstream, enabled: Path, csr_file: Path, tmp_path: Path
) -> None:
    orders = tmp_path / "orders.json"
    orders.write_text(json.dumps({case: order for case, (order, _) in ORDERS.items()}))
    ended = downstream.python("-c", SIGN_EACH, enabled, csr_file, orders)
    assert ended.json == {case: signed for case, (_, signed) in ORDERS.items()}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ('{ sufixes = ["example.com"] }', "wrappers.suffix-policy.options.sufixes is not known"),
        ("{ suffixes = [] }", "wrappers.suffix-policy.options.suffixes: "),
        ("{}", "wrappers.suffix-policy.options.suffixes is missing"),
        ('{ suffixes = "example.com" }', "wrappers.suffix-policy.options.suffixes: "),
    ],
)
def test_wrong_options_stop_the_command_before_anything_is_made(
    downstream: Downstream, enabled: Path, ca_dir: Path, monkeypatch: pytest.MonkeyPatch, options: str, message: str
) -> None:
    enabled.write_text(f"[wrappers.suffix-policy]\noptions = {options}\n")
    monkeypatch.setenv("ANCHORHOLD_CONFIG", str(enabled))
    ended = downstream.anchorhold("init-ca", "Root", "CN=Root")
    assert ended.exit_code == errors.SettingsError.exit_code
    assert ended.talk.count("\n") == 1
    assert f"{enabled}: {message}" in ended.talk
    assert not list(ca_dir.glob("ca/*"))


def test_the_example_is_short_and_keeps_to_the_public_names_of_the_plugin_api() -> None:
    source = MODULE.read_text()
    assert len(source.splitlines()) < 40
    nodes = list(ast.walk(ast.parse(source)))
    whole = {name.name for node in nodes if isinstance(node, ast.Import) for name in node.names}
    taken = {
        node.module: {name.name for name in node.names}
        for node in nodes
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("anchorhold")
    }
    assert not {name for name in whole if name.startswith("anchorhold")}
    assert set(taken) == {"anchorhold.errors", "anchorhold.plugin"}
    assert taken["anchorhold.plugin"] <= set(anchorhold.plugin.__all__)
    assert taken["anchorhold.errors"] <= {error.__name__ for error in errors.error_classes()}
