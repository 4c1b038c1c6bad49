"""The pages of a site: a list of reports, and reports under a bar of links."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from html import escape
from itertools import groupby
from pathlib import Path
from string import Template
from urllib.parse import quote

from fahrstats.report.pandoc import HERE as REPORT
from fahrstats.report.site.sections import Page
from fahrstats.report.site.studies import KINDS, SiteStudy

_HERE = Path(__file__).parent
_FORMATS = {".docx": "Word", ".pdf": "PDF"}
_MARK = (
    '<aside class="site-mark" aria-label="Confidential">Confidential: '
    "not for publication</aside>"
)
_PUBLIC = {True: "version for publication", False: "not for publication"}


def index_page(
    studies: Sequence[SiteStudy],
    pages: Mapping[str, Page],
    *,
    title: str,
    confidential: bool,
) -> str:
    """Return the page that lists all reports and searches them.

    Parameters
    ----------
    studies
        In the order of the list.
    pages
        The report of each, by its name.
    title
        Of the site.
    confidential
        Whether the page is marked.
    """
    groups = (
        f"<h2>{escape(KINDS.get(kind, kind))}</h2>\n<ul>\n"
        + "\n".join(_entry(study, confidential) for study in group)
        + "\n</ul>"
        for kind, group in groupby(studies, key=lambda study: study.kind)
    )
    return Template(_read("index.html")).substitute(
        title=escape(title),
        style=(REPORT / "style.css").read_text("utf-8") + _read("site.css"),
        mark=_MARK if confidential else "",
        reports="\n".join(groups),
        sections=_as_json(studies, pages),
        search=_read("search.js"),
    )


def report_page(
    html: str,
    page: Page,
    study: SiteStudy,
    studies: Sequence[SiteStudy],
    *,
    confidential: bool,
) -> str:
    """Return a report with a bar above it that leads to the others.

    Parameters
    ----------
    html
        The report.
    page
        The same, taken apart.
    study
        Whose report it is.
    studies
        All studies of the site.
    confidential
        Whether the page is marked.
    """
    style = f"<style>\n{_read('site.css')}</style>\n"
    bar = _bar(study, studies, confidential)
    top, middle, rest = (
        html[: page.head_end],
        html[page.head_end : page.body_start],
        html[page.body_start :],
    )
    return f"{top}{style}{middle}\n{bar}{rest}"


def download_name(file: Path, confidential: bool) -> str:
    """Return the name of a file on the site, since no mark is put into the file."""
    return f"{file.stem}-confidential{file.suffix}" if confidential else file.name


def _bar(study: SiteStudy, studies: Sequence[SiteStudy], confidential: bool) -> str:
    links = "\n".join(
        f'<li><a href="{_page_link(one)}"'
        + (' aria-current="page"' if one is study else "")
        + f">{escape(one.title)}</a></li>"
        for one in studies
    )
    return Template(_read("bar.html")).substitute(
        links=links,
        downloads=_links(study, confidential),
        mark=_MARK if confidential else "",
    )


def _entry(study: SiteStudy, confidential: bool) -> str:
    facts = [study.size, study.created and f"analysed on {study.created}"]
    facts.append(_PUBLIC[study.is_public])
    formats = _links(study, confidential)
    return (
        f'<li><a class="site-report" href="{_page_link(study)}">'
        f"{escape(study.title)}</a>\n"
        f'<p class="site-facts">{escape(" · ".join(filter(None, facts)))}'
        f"{' · ' + formats if formats else ''}</p></li>"
    )


def _links(study: SiteStudy, confidential: bool) -> str:
    return " · ".join(
        f'<a href="{quote(download_name(file, confidential))}" download '
        f'aria-label="{_FORMATS[file.suffix]}: {escape(study.title)}">'
        f"{_FORMATS[file.suffix]}</a>"
        for file in study.downloads
    )


def _page_link(study: SiteStudy) -> str:
    return quote(f"{study.name}.html")


def _as_json(studies: Sequence[SiteStudy], pages: Mapping[str, Page]) -> str:
    """Write what can be searched as JSON that may stand in a script element."""
    found = [
        {
            "page": _page_link(study),
            "title": study.title,
            "sections": [
                [section.anchor, section.heading, section.text]
                for section in pages[study.name].sections
            ],
        }
        for study in studies
    ]
    return json.dumps(found, ensure_ascii=False).replace("<", "\\u003c")


def _read(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")
