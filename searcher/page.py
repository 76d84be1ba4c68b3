"""A replay's report as one HTML page that needs no network: the script that draws its charts is in it."""

import html
from collections.abc import Iterable, Sequence
from decimal import Decimal

from plotly.graph_objects import Figure

from searcher import charts, report
from searcher.charts import Series
from searcher.report import Report

STYLE = """
:root { color-scheme: light dark; --ink: #1d2127; --soft: #646b75; --line: #dfe3e8; --paper: #ffffff; --panel: #f7f8fa }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e4e7eb; --soft: #9aa1ab; --line: #30353d; --paper: #14171b; --panel: #1b1f24 }
}
* { box-sizing: border-box }
body { margin: 0 auto; max-width: 1180px; padding: 32px 20px 48px; background: var(--paper); color: var(--ink);
  font: 14px/1.5 system-ui, -apple-system, "Segoe UI", sans-serif }
h1 { font-size: 22px; font-weight: 600; margin: 0 0 4px }
h2 { font-size: 15px; font-weight: 600; margin: 0 0 6px }
p { margin: 0 0 4px } .soft, footer { color: var(--soft) }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 10px; margin: 20px 0 }
.figures div { background: var(--panel); border: 1px solid var(--line); border-radius: 8px; padding: 10px 14px }
.figures b { display: block; font-size: 19px; font-weight: 600; font-variant-numeric: tabular-nums;
  overflow-wrap: anywhere }
.grid { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 16px; margin: 16px 0 }
.grid > section { border: 1px solid var(--line); border-radius: 8px; padding: 12px 14px; min-width: 0;
  overflow: hidden }
.tables { columns: 2; column-gap: 16px }
.tables > section { border: 1px solid var(--line); border-radius: 8px; padding: 12px 14px; margin-bottom: 16px;
  break-inside: avoid }
.wide { grid-column: 1 / -1 }
@media (max-width: 760px) { .grid > section { grid-column: 1 / -1 } .tables { columns: 1 } }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums }
th { font-weight: 500; color: var(--soft) }
th, td { padding: 4px 0; border-bottom: 1px solid var(--line); text-align: right }
th:first-child, td:first-child { text-align: left; padding-right: 16px; white-space: nowrap }
tr:last-child td { border-bottom: 0 }
.notice { border-left: 3px solid #d9822b; padding: 6px 12px; margin: 12px 0; background: var(--panel) }
.gtitle, .g-gtitle text { fill: var(--ink) !important }
.xtick text, .ytick text, .xtitle, .ytitle, .legendtext { fill: var(--soft) !important }
code { font: 12px/1.5 ui-monospace, Menlo, Consolas, monospace; overflow-wrap: anywhere }
footer { border-top: 1px solid var(--line); margin-top: 24px; padding-top: 12px }
"""


def _table(title: str, rows: Iterable[Sequence[str]], heads: Sequence[str] = ()) -> str:
    head = "<tr>" + "".join(f"<th>{html.escape(h)}</th>" for h in heads) + "</tr>" if heads else ""
    body = "".join("<tr>" + "".join(f"<td>{html.escape(c)}</td>" for c in row) + "</tr>" for row in rows)
    return f"<section><h2>{html.escape(title)}</h2><table>{head}{body}</table></section>" if body else ""


def _subtitle(r: Report, name: str) -> str:
    recorded = f"{name}, {r['recorded_seconds']:,.1f} s recorded"
    # What changes every figure below stands above them.
    assumed = [f"{what}: {value}" for what, value in report.assumption_rows(r) if what.startswith(("Fees", "Order"))]
    return "; ".join([f"{recorded}, traded by {', '.join(r['kernels'])}", *assumed]) if assumed else recorded


def _headline(r: Report) -> str:
    b = r["book"]
    agreed = f"{b['matched'] / b['checked']:.2%}" if b["checked"] else "–"
    figures = [("Book agrees with bookTicker", agreed), ("Gaps", f"{b['gaps']:,}"), ("Rows", f"{r['rows']:,}")]
    if report.traded(r):
        figures = [
            ("PnL, quote currency", f"{Decimal(r['pnl']['total']):,.4f}"),
            ("Fills", f"{r['fills']:,}"),
            ("Refusals", f"{r['refused']:,}"),
            ("Switch", str(r["switch"]["state"])),
            *figures[:2],
        ]
    return "".join(f"<div>{html.escape(n)}<b>{html.escape(v)}</b></div>" for n, v in figures)


def _figure(place: str, figure: Figure) -> str:
    config = {"displayModeBar": False, "responsive": True}
    return (
        f'<section class="{place}">{figure.to_html(full_html=False, include_plotlyjs=False, config=config)}</section>'
    )


def _tables(r: Report) -> list[str]:
    quality = [
        _table("Quality of the data", report.quality_rows(r)),
        _table("Frames", report.frame_rows(r), ("kind", "frames")),
    ]
    if not report.traded(r):
        return quality
    return [
        _table("Trading", report.trading_rows(r)),
        _table("PnL", report.pnl_rows(r), ("part", "quote currency")),
        _table("Markouts", report.markout_rows(r), ("after", "fills", "ticks", "bps")),
        _table("Limits", report.limit_rows(r), report.LIMIT_HEADS),
        _table("Assumed", report.assumption_rows(r)),
        *quality,
    ]


def render(r: Report, series: Sequence[Series], name: str, command: str) -> str:
    """The page. `name` is the data's, `command` the one that made it; `r` and `series` are the native ones."""
    figures = charts.all_of(r, series)
    title = ", ".join(i["symbol"] for i in r["instruments"]) or name
    notes = report.LIMITS_AND_ASSUMPTIONS if report.traded(r) else ()
    parts = [
        '<!doctype html><html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{html.escape(title)}: replay</title><style>{STYLE}</style>",
        f"<script>{charts.plotly_js()}</script>" if figures else "",
        f"</head><body><h1>{html.escape(title)}</h1>",
        f'<p class="soft">{html.escape(_subtitle(r, name))}</p>',
        f'<p class="notice">{html.escape(r["notice"])}</p>' if r["notice"] else "",
        f'<div class="figures">{_headline(r)}</div><div class="grid">',
        *(_figure(place, figure) for place, figure in figures),
        '</div><div class="tables">',
        *_tables(r),
        "</div><footer>",
        *(f"<p>{html.escape(line)}</p>" for line in notes),
        f"<p><code>{html.escape(command)}</code></p><p><code>sha256 {html.escape(r['sha256'])}</code></p>",
        "</footer></body></html>\n",
    ]
    return "".join(parts)
