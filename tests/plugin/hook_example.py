"""The examples in the documentation of the hooks."""

from __future__ import annotations

import inspect
import re
import textwrap
from typing import Any

import anchorhold.plugin
from anchorhold.plugin import BackendSpec


def section(hook: str, title: str) -> str:
    """The text of a section of a hook's docstring; empty if there is none."""
    documentation = inspect.cleandoc(getattr(BackendSpec, hook).__doc__ or "")
    found = re.search(rf"^{title}:+\n((?:(?:[ ]{{4}}.*)?\n)*(?:[ ]{{4}}.*)?)", documentation, re.MULTILINE)
    return textwrap.dedent(found.group(1)) if found else ""


def example_of(hook: str) -> type[Any]:
    """The class that the example of a hook defines, with the names of `anchorhold.plugin` in scope."""
    names = {name: getattr(anchorhold.plugin, name) for name in anchorhold.plugin.__all__}
    source = section(hook, "Example")
    assert source, f"{hook} has no example"
    exec(compile(source, f"<example of {hook}>", "exec"), names)  # noqa: S102
    defined = [found for name, found in names.items() if name not in anchorhold.plugin.__all__]
    (example,) = [found for found in defined if isinstance(found, type) and hasattr(found, "anchorhold_api")]
    return example
