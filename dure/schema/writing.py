"""Writes YAML that reads back as it was, whatever the text in it."""

from __future__ import annotations

from typing import Any

import yaml


class _Dumper(yaml.SafeDumper):
    # The pure Python dumper: the one on libyaml breaks lines elsewhere, and not all have it.
    pass


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    # PyYAML writes U+0085, U+2028 and U+2029 bare, and reads them back as spaces.
    style = None if text.isprintable() else '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)


def dump(content: dict[str, Any]) -> str:
    """Return ``content`` as YAML: in its order, one entry a line, letters as they are."""
    text: str = yaml.dump(
        content,
        Dumper=_Dumper,
        sort_keys=False,
        allow_unicode=True,
        default_flow_style=False,
        width=10**9,
    )
    return text
