"""A report as one page that fetches nothing: its style, and the pieces that it is made of."""

from collections.abc import Mapping, Sequence
from html import escape

from eval.figure import Figure

_STYLE = """
:root { color-scheme: light dark; --ink: #24292f; --paper: #fff; --muted: #57606a; --line: #d0d7de; --loud: #9a3b00 }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6edf3; --paper: #0d1117; --muted: #9da7b1; --line: #3d444d; --loud: #ffb380 }
}
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 60em;
  margin: 2em auto; padding: 0 1.2em }
h1 { font-size: 1.6em; margin: 0 0 .3em } h2 { font-size: 1.2em; margin: 2em 0 .4em }
.loud { border: 2px solid var(--loud); color: var(--loud); font-weight: 600; padding: .5em .8em; border-radius: 4px }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15em 1em } dt { color: var(--muted) } dd { margin: 0;
  overflow-wrap: anywhere }
.wide { overflow-x: auto } table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums }
th, td { border-bottom: 1px solid var(--line); padding: .3em .6em; text-align: right; vertical-align: top }
th { font-weight: 600 } td small { display: block; color: var(--muted); white-space: nowrap }
th:first-child, td:first-child { text-align: left } tr.own td { font-weight: 600 } tr.own small { font-weight: 400 }
figure { margin: 1em 0; padding: .6em; background: #fff; border: 1px solid var(--line); border-radius: 4px }
figure svg { display: block; width: 100%; height: auto }
figcaption, .how { color: var(--muted); font-size: .92em } figcaption { padding: .4em .3em 0 }
@media screen and (prefers-color-scheme: dark) {
  figure { background: #171717 } figure svg { filter: invert(.91) hue-rotate(180deg) }
}
@media print {
  :root { --ink: #000; --paper: #fff; --muted: #444; --line: #bbb; --loud: #9a3b00 }
  body { margin: 0; max-width: none; font-size: 10pt }
  figure, tr, .loud { break-inside: avoid } .wide { overflow: visible }
  h2, h3 { break-after: avoid }
}
""".strip()


def page(title: str, body: str) -> str:
    """HTML that stands alone.

    Args:
        title: as text.
        body: HTML.
    """
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>{escape(title)}</title>\n'
        f"<style>\n{_STYLE}\n</style>\n</head>\n<body>\n{body}</body>\n</html>\n"
    )


def fact_list(facts: Mapping[str, str]) -> str:
    """Names and what is said of them, as text; those of which nothing is said are left out."""
    entries = "".join(f"<dt>{escape(name)}</dt><dd>{escape(said)}</dd>" for name, said in facts.items() if said)
    return f"<dl>{entries}</dl>\n"


def table(columns: Sequence[str], rows: Sequence[Sequence[str]], *, own: Sequence[bool] | None = None) -> str:
    """A table that scrolls by itself where the page is narrow.

    Args:
        columns: their names, as text.
        rows: cells as HTML.
        own: of each row whether it stands out; none does where absent.
    """
    head = "".join(f"<th>{escape(column)}</th>" for column in columns)
    ours = own or [False] * len(rows)
    body = "".join(
        f"<tr{' class=own' if mine else ''}>{''.join(f'<td>{_unbroken(cell)}</td>' for cell in row)}</tr>\n"
        for row, mine in zip(rows, ours, strict=True)
    )
    return f'<div class="wide"><table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody></table></div>\n'


def _unbroken(cell: str) -> str:
    return cell.replace(" %", "&nbsp;%")


def figure(svg: str, caption: str) -> str:
    """A plot and what it shows; the caption is HTML."""
    drawn = svg.replace("<svg ", '<svg role="img" ', 1)
    return f"<figure>\n{drawn}\n<figcaption>{caption}</figcaption>\n</figure>\n"


def share_cell(figure: Figure, *, decimals: int = 0) -> str:
    """In percent, and the interval below."""
    said = f"{100 * figure.value:.{decimals}f} %"
    return f"{said}<small>{100 * figure.lower:.{decimals}f} to {100 * figure.upper:.{decimals}f}</small>"


def number_cell(figure: Figure) -> str:
    """As it is, and the interval below."""
    return f"{figure.value:.2f}<small>{figure.lower:.2f} to {figure.upper:.2f}</small>"
