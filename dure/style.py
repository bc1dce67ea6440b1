"""How Dure's pages and notebook cells look: two themes and one set of rules.

Every selector is below ``.dure``, so that nothing of it reaches the page of a notebook.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from markupsafe import Markup

# The contrast of every text on the grounds that it stands on is at least 4.5 : 1; a test computes
# it. The two colours of the charts stay apart for people who do not tell red from green.
THEMES: Mapping[str, Mapping[str, str]] = {
    "light": {
        "ground": "#ffffff",
        "panel": "#f4f6f8",
        "line": "#d9dfe5",
        "ink": "#1b2127",
        "soft": "#55606b",
        "accent": "#0e6a76",
        "accent2": "#ad4d0d",
        "pass": "#17693b",
        "fail": "#ad241d",
        "skip": "#55606b",
        "reused": "#2a5a9f",
        "warn": "#7d5200",
    },
    "dark": {
        "ground": "#14171b",
        "panel": "#1c2126",
        "line": "#333a43",
        "ink": "#e6eaee",
        "soft": "#a0abb6",
        "accent": "#5fc3cf",
        "accent2": "#eda066",
        "pass": "#6ecb95",
        "fail": "#f4938a",
        "skip": "#a0abb6",
        "reused": "#8ab4f0",
        "warn": "#e0b252",
    },
}


def _theme(name: str) -> str:
    return f"color-scheme:{name};" + "".join(f"--{k}:{v};" for k, v in THEMES[name].items())


# A notebook has a theme of its own, which is not always that of the system: JupyterLab, Visual
# Studio Code, Colab and Sphinx's pages say so in these attributes.
_DARK_HOSTS = (
    '[data-jp-theme-light="false"]',
    ".vscode-dark",
    ".vscode-high-contrast",
    'html[theme="dark"]',
    '[data-theme="dark"]',
)
_LIGHT_HOSTS = (
    '[data-jp-theme-light="true"]',
    ".vscode-light",
    'html[theme="light"]',
    '[data-theme="light"]',
)


def _under(hosts: Sequence[str]) -> str:
    return ",".join(f"{host} .dure" for host in hosts)


# `.dure.dure` outweighs the rules of JupyterLab for tables. What a table of the host page could
# set (layout, margins, stripes) is set here too, so that it looks the same everywhere.
_RULES = """
.dure{box-sizing:border-box;color:var(--ink);background:var(--ground);text-align:left;overflow-wrap:anywhere;
font:14px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","Noto Sans KR","Noto Sans CJK KR",sans-serif}
.dure *,.dure *::before{box-sizing:border-box}
.dure.notebook{padding:12px 16px;border:1px solid var(--line);border-radius:8px}
.dure.dure h1,.dure.dure h2,.dure.dure h3,.dure.dure h4{color:inherit;font-weight:600;line-height:1.3;
overflow-wrap:anywhere;letter-spacing:0}
.dure.dure h1{font-size:26px;margin:0 0 4px}.dure.dure h2{font-size:18px;margin:32px 0 10px}
.dure.dure h3{font-size:14px;margin:20px 0 6px}.dure.dure h4{font-size:13px;margin:16px 0 4px;color:var(--soft)}
.dure.dure h1:first-child,.dure.dure h2:first-child,.dure.dure h3:first-child{margin-top:0}
.dure.dure p{margin:6px 0;overflow-wrap:anywhere}.dure .soft{color:var(--soft)}
.dure.dure a{color:var(--accent);text-decoration:none}.dure.dure a:hover{text-decoration:underline}.dure a:focus-visible,.dure summary:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
.dure .scroll{overflow-x:auto;max-width:100%}
.dure.dure table{border-collapse:collapse;table-layout:auto;width:auto;background:transparent;color:inherit;
font-size:13px;line-height:1.45;margin:4px 0;border:0}
.dure.dure tr{background:transparent!important}
.dure.dure th,.dure.dure td{padding:5px 16px 5px 0;border:0;border-bottom:1px solid var(--line);text-align:left;
vertical-align:top;max-width:44em;white-space:normal;overflow-wrap:break-word;unicode-bidi:plaintext}
.dure.dure th:last-child,.dure.dure td:last-child{padding-right:0}
.dure.dure th{color:var(--soft);font-weight:600;max-width:22em}
.dure.dure table.facts td{overflow-wrap:anywhere}.dure.dure table.facts th{max-width:14em;overflow-wrap:break-word}
.dure.dure thead th{vertical-align:bottom}.dure.dure tbody tr:last-child>*{border-bottom:0}
.dure.dure .n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
.dure .badge{display:inline-flex;align-items:center;gap:5px;padding:0 9px 0 7px;border-radius:10px;border:1px solid currentColor;
font-size:12px;line-height:18px;font-weight:500;white-space:nowrap;vertical-align:1px}
.dure td>.badge{vertical-align:top}
.dure .pass{color:var(--pass)}.dure .fail{color:var(--fail)}.dure .skip{color:var(--skip)}
.dure .reused{color:var(--reused)}.dure .warn{color:var(--warn)}
.dure .panels{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(340px,100%),1fr));gap:16px;margin:8px 0;align-items:start}
.dure.dure .panel table{width:100%}
.dure .panel{background:var(--panel);border-radius:8px;padding:14px 16px;min-width:0}
.dure.dure svg{display:block;width:100%;height:auto;max-width:380px;overflow:visible}
.dure svg text{fill:var(--soft);font-size:11px}
.dure svg .axis{stroke:var(--line);fill:none}.dure svg .bar{fill:var(--accent)}
.dure svg .s0{stroke:var(--accent);fill:none;stroke-width:1.75}
.dure svg .s1{stroke:var(--accent2);fill:none;stroke-width:1.75;stroke-dasharray:5 3}
.dure svg .s2{stroke:var(--soft);fill:none;stroke-width:1.75;stroke-dasharray:2 2}
.dure svg text.s0{fill:var(--accent);stroke:none}.dure svg text.s1{fill:var(--accent2);stroke:none}
.dure.dure svg.sign{display:inline-block;flex:none;width:12px;height:12px;vertical-align:-1px}
.dure.dure code,.dure.dure pre{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"Noto Sans Mono",monospace;font-size:12px;color:inherit}
.dure.dure pre{color:var(--ink)}
.dure.dure code{background:transparent;padding:0;overflow-wrap:anywhere}
.dure.dure pre{white-space:pre-wrap;overflow-wrap:anywhere;background:var(--panel);padding:10px 12px;margin:8px 0;border:0;border-radius:8px}
.dure .note{border-left:3px solid currentColor;padding:2px 0 2px 12px;margin:16px 0;max-width:100%}
.dure .note>*{color:var(--ink)}.dure .note>strong{color:inherit}
.dure details.fold>summary{cursor:pointer}.dure details.fold[open] .start{display:none}
""".strip()

_SHEET = "\n".join(
    (
        f".dure{{{_theme('light')}}}",
        f"@media (prefers-color-scheme:dark){{.dure{{{_theme('dark')}}}}}",
        f"{_under(_LIGHT_HOSTS)}{{{_theme('light')}}}",
        f"{_under(_DARK_HOSTS)}{{{_theme('dark')}}}",
        # Paper is white.
        f"@media print{{.dure.dure{{{_theme('light')}}}}}",
        _RULES,
    )
)

STYLE = Markup(f"<style>{_SHEET}</style>")  # noqa: S704 - nothing in it comes from outside
"""The ``<style>`` element that every page and every notebook cell carries."""
