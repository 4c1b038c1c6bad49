"""The results of all studies of a paper, as the cells of its document use them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from fahrstats.cohort import store
from fahrstats.display.display_table import escape_markdown
from fahrstats.report.announcements import announcements
from fahrstats.report.author_statements import stated
from fahrstats.report.cell_displays import as_markdown, box, metadata
from fahrstats.report.study_results import StudyResults
from fahrstats.statements import STATEMENTS

if TYPE_CHECKING:
    from IPython.display import Markdown

PARTS_IN_WORDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "prognosis": "what the scores say about survival",
        "audit": "whether the scores work alike in every group of people",
        "ages": "how accurately age is read from faces",
        "robustness": "what moves the scores though only the photograph changes",
        "saliency": "which regions of the face the scores rest on",
    }
)
"""What each study of a paper is about."""


class PaperResults:
    """Result tables of the studies of a paper, one :class:`StudyResults` each.

    Parameters
    ----------
    folder
        Folder of the paper's results, with a folder for each study.
    journal
        Whose rules numbers and figures keep to.

    Attributes
    ----------
    manifest : dict
        Title, authors, statements and studies of the paper.
    prognosis, audit, ages, robustness, saliency : StudyResults or None
        Results of each study; None of one that the paper does without. Where no audit
        is named, it is that of the prognostic study, if it has one.

    Raises
    ------
    DataError
        A manifest is absent or broken, or no journal has this name.
    """

    def __init__(self, folder: str | Path, journal: str = "default") -> None:
        self.folder = Path(folder)
        self.manifest: dict[str, Any] = store.read_manifest(
            self.folder / "manifest.json"
        )
        self.studies = {
            role: StudyResults(self.folder / role, journal)
            for role in PARTS_IN_WORDS
            if role in self.manifest["parts"]
        }
        self.prognosis = self.studies.get("prognosis")
        self.audit = self.studies.get("audit") or self._audited()
        self.ages = self.studies.get("ages")
        self.robustness = self.studies.get("robustness")
        self.saliency = self.studies.get("saliency")

    def _audited(self) -> StudyResults | None:
        """Return the prognostic study if it judged its scores in groups of people."""
        own = self.prognosis
        return own if own is not None and own.has("audit") else None

    def title_block(self) -> Markdown:
        """Return title and authors as metadata of the document."""
        block: dict[str, object] = {"title": escape_markdown(self.manifest["title"])}
        authors = [_plain(author) for author in self.manifest["authors"]]
        if authors:
            block["author"] = authors
        return metadata(block)

    def absent(self, role: str) -> Markdown:
        """Return one line that says that a study is no part of the paper."""
        return as_markdown(f"Not part of this paper: {PARTS_IN_WORDS[role]}.")

    def statement(self, key: str) -> str:
        """Return what the authors say about something; empty where they do not.

        Where the paper is silent, it is what its studies say, and of which of them,
        unless all of them say the same.
        """
        own: str = self.manifest.get("statements", {}).get(key, "")
        if own:
            return own
        said = [(_title(one), stated(one, key)) for one in self.studies.values()]
        texts = {text for _, text in said}
        if len(texts) == 1:
            return texts.pop()
        return "\n\n".join(f"*{title}:* {text}" for title, text in said if text)

    def statements(self, keys: Iterable[str], also: Iterable[str] = ()) -> Markdown:
        """Return what the authors say, each under its name; what is open, in a line.

        Parameters
        ----------
        keys
            What is missed in a paper that does not say it.
        also
            What is said where the authors say it.
        """
        wanted = [*keys]
        said = {
            key: self.statement(key) for key in STATEMENTS if key in {*wanted, *also}
        }
        texts = [
            f"**{STATEMENTS[key].label}.** {text}" for key, text in said.items() if text
        ]
        left = [STATEMENTS[key].label.lower() for key in wanted if not said[key]]
        if left:
            texts.append(f"*Left for the authors to write: {'; '.join(left)}.*")
        return as_markdown("\n\n".join(texts))

    def public_box(self) -> Markdown | None:
        """Return what a version for publication leaves out: the rule, then by study."""
        rules: dict[str, None] = {}
        others = []
        for study in self.studies.values():
            public = study.manifest.get("public")
            if public:
                rules[study.sentences.public_rule(public)] = None
                if text := study.sentences.also_left_out(public):
                    others.append(f"{_title(study)}: {text}")
        text = "\n\n".join([*rules, *others])
        return box("important", "Version for publication", text) if rules else None

    def care(self) -> Markdown | None:
        """Return what was announced while results were made, study by study."""
        texts = [
            f"- {_title(study)}: {escape_markdown(text)}"
            for study in self.studies.values()
            for text in announcements(study.manifest, study.labels)
        ]
        return as_markdown("\n".join(texts)) if texts else None

    def notes(self) -> Markdown | None:
        """Return what a reader must know of the data of the paper and its studies."""
        texts = [self.manifest.get("notes", "")]
        for study in self.studies.values():
            text = study.manifest.get("notes")
            texts += [f"#### {_title(study)}\n\n{text}"] if text else []
        shown = "\n\n".join(filter(None, texts))
        return as_markdown(shown) if shown else None


def _plain(author: Mapping[str, Any]) -> dict[str, str]:
    """Return an author as the title block of a document takes one."""
    plain = {"name": escape_markdown(author["name"])}
    if author["affiliation"]:
        plain["affiliation"] = escape_markdown("; ".join(author["affiliation"]))
    if author["orcid"]:
        plain["orcid"] = author["orcid"]
    return plain


def _title(study: StudyResults) -> str:
    return escape_markdown(str(study.manifest["title"]))
