"""The results of a study, as the cells of a report display them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cached_property, partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import pandas as pd

from fahrstats.cohort import store
from fahrstats.display.display_table import escape_markdown
from fahrstats.display.journal_styles import journal_style
from fahrstats.display.journals import format_count, format_number
from fahrstats.display.labels import Labels, amount, column_label, column_unit
from fahrstats.display.labels import in_sentence as as_in_sentence
from fahrstats.display.result_table import records, without_refusals
from fahrstats.errors import DataError
from fahrstats.report.announcements import announcements
from fahrstats.report.cell_displays import as_markdown, box, display, metadata
from fahrstats.report.filled_displays import FilledDisplays
from fahrstats.report.tables_in_words import ASKED_FOR_BY, TABLES_IN_WORDS

if TYPE_CHECKING:
    from IPython.display import Markdown

Draw: TypeAlias = Callable[[pd.DataFrame], object]
DrawOne: TypeAlias = Callable[[str, pd.DataFrame], object]

_SCORE = "biomarker"
_SAID_ABOVE = "No estimate, for a reason that is given above."
_TOO_FEW = "too few people or events"  # the note of rows that are withheld
_WITHHELD = "Not shown, as it rests on too few people or events to be published."


class StudyResults:
    """Result tables and manifest of a study, and how a report shows them.

    Methods that display something do so in the cell that calls them; those that
    return Markdown are the last expression of a cell. Nothing is computed: rows are
    read, chosen and handed to a function of :attr:`tables`, :attr:`figures` or
    :attr:`sentences`.

    Parameters
    ----------
    folder
        Folder of the results, which holds ``manifest.json`` and ``tables``.
    journal
        Whose rules numbers and figures keep to.
    nothing
        What is displayed in place of a table or figure of which there are no rows.

    Raises
    ------
    DataError
        The manifest is absent or broken, or no journal has this name.

    Examples
    --------
    >>> study = StudyResults("results/flchain")  # doctest: +SKIP
    >>> study.show("cox", study.tables.hazard_ratios)  # doctest: +SKIP
    """

    def __init__(
        self, folder: str | Path, journal: str = "default", *, nothing: str = ""
    ) -> None:
        self.folder = Path(folder)
        self.nothing = nothing
        self.manifest = store.read_manifest(self.folder / "manifest.json")
        self.style = journal_style(journal)
        self.labels: Labels = self.manifest["labels"]
        self.time_unit: str = self.manifest.get("time_unit", "years")
        self.biomarkers: list[str] = self.manifest.get("biomarkers", [])
        self.provenance: dict[str, Any] = self.manifest["provenance"]
        self._read: dict[str, pd.DataFrame] = {}
        self._refused: set[str] = set()

    # Display functions.

    @cached_property
    def tables(self) -> FilledDisplays:
        """Functions of :mod:`fahrstats.display.tables`."""
        return self._displays("tables")

    @cached_property
    def figures(self) -> FilledDisplays:
        """Functions of :mod:`fahrstats.display.figures`."""
        return self._displays("figures")

    @cached_property
    def sentences(self) -> FilledDisplays:
        """Functions of :mod:`fahrstats.display.sentences`."""
        return self._displays("sentences")

    def _displays(self, module: str) -> FilledDisplays:
        return FilledDisplays(
            import_module(f"fahrstats.display.{module}"),
            {
                "labels": self.labels,
                "time_unit": self.time_unit,
                "time_label": f"Follow-up, {self.time_unit}",
                "style": self.style,
            },
        )

    def title_block(self, report: str) -> Markdown:
        """Return the title of the study, above that of its report, as metadata."""
        title = escape_markdown(self.manifest["title"])
        return metadata({"title": title, "subtitle": report})

    # Words and numbers.

    def label(self, column: str) -> str:
        """Return the name of a column for a reader: ``Creatinine``."""
        return column_label(column, self.labels)

    def in_sentence(self, column: str) -> str:
        """Return the name of a column as it stands inside a sentence."""
        return as_in_sentence(self.label(column))

    def unit(self, column: str) -> str:
        """Return the unit of a column, or an empty text."""
        return column_unit(column, self.labels)

    def title_of(self, biomarker: str) -> str:
        """Return the name of a score where there are several to tell apart."""
        return self.label(biomarker) if len(self.biomarkers) > 1 else ""

    def amount(self, time: float) -> str:
        """Return a time with its unit: ``5 years``."""
        return amount(time, self.time_unit)

    def count(self, value: float | None) -> str:
        """Return a count as the journal prints it."""
        return format_count(value, style=self.style)

    def number(self, value: float | None, decimals: int = 2) -> str:
        """Return a number as the journal prints it."""
        return format_number(value, decimals, style=self.style)

    # Rows.

    def has(self, *names: str) -> bool:
        """Whether the study wrote one of these tables, with rows in it."""
        return any(
            name in self.manifest["tables"] and len(self._table(name)) > 0
            for name in names
        )

    def rows(self, name: str, **wanted: object) -> pd.DataFrame:
        """Return the rows of a result table that hold these values.

        A table without the column ``biomarker`` is about all scores alike.

        Raises
        ------
        DataError
            The study has no such table, or the table no such column.
        """
        table = self._table(name)
        for column, value in wanted.items():
            if column in table:
                table = table[table[column] == value]
            elif column != _SCORE:
                raise DataError(
                    f"The table `{name}` has no column `{column}`; its columns are "
                    f"{_quoted(table.columns)}."
                )
        return table

    def estimated(self, name: str, **wanted: object) -> pd.DataFrame:
        """Return rows as :meth:`rows`, without those that only say why not."""
        return without_refusals(self.rows(name, **wanted))[0]

    def found(self, name: str, **wanted: object) -> pd.DataFrame | None:
        """Return rows with an estimate, or None of a study without the table."""
        return self.estimated(name, **wanted) if self.has(name) else None

    def _table(self, name: str) -> pd.DataFrame:
        if name not in self.manifest["tables"]:
            raise DataError(
                f"The study has no table `{name}`; it has "
                f"{_quoted(self.manifest['tables'])}."
            )
        if name not in self._read:
            file = self.folder / "tables" / f"{name}.parquet"
            self._read[name] = _with_plain_counts(store.read(file)[0])
        return self._read[name].copy()

    # What is displayed.

    def show(self, name: str, draw: Draw, **wanted: object) -> None:
        """Display what ``draw`` makes of a table, or that the study has none."""
        if self.has(name):
            self.told(name, draw, **wanted)
        else:
            display(self.absent(name))

    def told(self, name: str, draw: Draw, **wanted: object) -> None:
        """Display what ``draw`` makes of the rows with an estimate, or why none has.

        Nothing is displayed of a study without the table.
        """
        if name not in self.manifest["tables"]:
            return
        kept, refused = without_refusals(self.rows(name, **wanted))
        is_said = self._say_refusals(refused)
        if "note" in kept and len(kept) and (kept["note"] == _TOO_FEW).all():
            display(as_markdown(_WITHHELD))
        elif len(kept):
            display(draw(kept))
        elif len(refused) and not is_said:
            display(as_markdown(_SAID_ABOVE))
        elif self.nothing and not is_said:
            display(as_markdown(self.nothing))

    def each(self, name: str, draw: DrawOne, *, of: str = _SCORE) -> None:
        """Display one figure or table per score, of a study that has the table.

        Parameters
        ----------
        name
            The result table.
        draw
            Takes the name of the score and its rows.
        of
            Another column, for one figure per value of it.
        """
        if name in self.manifest["tables"]:
            for value in self._values(name, of):
                self.told(name, partial(draw, value), **{of: value})

    def folded(self, title: str, name: str, draw: Draw, **wanted: object) -> None:
        """Display a table below a title that opens it, if the study has such rows."""
        if self.has(name) and len(self.rows(name, **wanted)):
            opening = '::: {.callout-tip collapse="true"}\n## '
            display(as_markdown(f"{opening}{escape_markdown(title)}\n"))
            self.told(name, draw, **wanted)
            display(as_markdown("\n:::\n"))

    def refused(self, name: str, **wanted: object) -> None:
        """Display why rows of a table have no estimate, each reason once."""
        if self.has(name):
            self._say_refusals(without_refusals(self.rows(name, **wanted))[1])

    def _say_refusals(self, refused: pd.DataFrame) -> bool:
        """Display reasons that were not given yet; whether there were any."""
        if "model" in refused:  # of corrected ages, the text says why
            corrected = self.manifest.get("corrected", {})
            refused = refused[~refused["model"].isin(corrected)]
        found: dict[str, str] = {}
        for row in records(refused):
            reason = self.sentences.refusal(row)
            # A reason that several share, such as all models, names none of them.
            if found.setdefault(row["note"], reason) != reason:
                found[row["note"]] = self.sentences.refusal({"note": row["note"]})
        reasons = [r for r in dict.fromkeys(found.values()) if r not in self._refused]
        for reason in reasons:
            display(as_markdown(escape_markdown(f"{reason.removesuffix('.')}.")))
        self._refused.update(reasons)
        return bool(reasons)

    def _values(self, name: str, column: str) -> list[str]:
        """Return the values of a column in their order; scores in the study's own."""
        if column == _SCORE:
            return self.biomarkers
        return [str(value) for value in self.rows(name)[column].unique()]

    # What is returned as Markdown.

    def part(self, names: Iterable[str], text: str) -> Markdown | None:
        """Return text about tables, of a study that has one of them."""
        return as_markdown(text) if self.has(*names) else None

    def absent(self, name: str) -> Markdown:
        """Return one line that says that the study did not make this analysis."""
        return as_markdown(escape_markdown(_absence(name)))

    def lacking(self, *names: str) -> list[str]:
        """Return one line for each table that the study does not hold."""
        return [_absence(name) for name in names if not self.has(name)]

    def bullets(self, lines: Iterable[str]) -> Markdown | None:
        """Return sentences as a list, shown as they stand; nothing of none."""
        texts = [f"- {escape_markdown(line)}" for line in lines if line]
        return as_markdown("\n".join(texts)) if texts else None

    def bullet_each(
        self, name: str, sentence: Callable[[str, pd.DataFrame], str]
    ) -> Markdown | None:
        """Return one line per score with an estimate; nothing of an absent table."""
        if not self.has(name):
            return None
        found = {b: self.estimated(name, biomarker=b) for b in self.biomarkers}
        return self.bullets(sentence(b, rows) for b, rows in found.items() if len(rows))

    def said(self, name: str, sentence: Callable[..., str], *about: object) -> str:
        """Return a sentence about a table; empty of a study without it.

        ``sentence`` takes the table, and after it what is given as ``about``.
        """
        return sentence(self.rows(name), *about) if self.has(name) else ""

    def notes(self) -> Markdown | None:
        """Return a section of what the authors want a reader to know of the data."""
        text = self.manifest.get("notes")
        heading = "## Notes on these data {#sec-notes}"
        return as_markdown(f"{heading}\n\n{text}\n") if text else None

    def to_notes(self) -> Markdown | None:
        """Return a line that leads to :meth:`notes`."""
        if not self.manifest.get("notes"):
            return None
        return as_markdown("To be read with the [notes on these data](#sec-notes).")

    def public_box(self) -> Markdown | None:
        """Return what a version for publication leaves out, and by which rule."""
        public = self.manifest.get("public")
        if not public:
            return None
        rule = self.sentences.public_version(public)
        return box("important", "Version for publication", rule)

    def care_box(self, *first: str) -> Markdown | None:
        """Return what was announced while the results were made, after ``first``."""
        texts = [*first, *announcements(self.manifest, self.labels)]
        care = "\n".join(f"- {escape_markdown(text)}" for text in texts)
        return box("warning", "Read with care", care) if texts else None


def _with_plain_counts(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table whose withheld counts are NaN, which compares with numbers."""
    withheld = [
        column
        for column in table
        if table[column].dtype == "Int64" and table[column].isna().any()
    ]
    return table.astype(dict.fromkeys(withheld, float))


def _absence(name: str) -> str:
    """Say that an analysis was not made, and what would have asked for it."""
    how = ASKED_FOR_BY.get(name)
    asked = f" ({how} in the study file asks for it)" if how else ""
    return f"Not part of this study: {TABLES_IN_WORDS.get(name, name)}{asked}."


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names) or "none"
