"""What a study file says, as frozen data."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from fahrstats.study.audit_section import AuditChoices
from fahrstats.study.outcomes import Outcome
from fahrstats.study.photo_section import Photos

Closed = Literal["right", "left"]
StudyKind = Literal["biomarker", "audit", "age-benchmark"]

GROUP_ENDING = "_group"
"""What the column of a score's groups adds to the name of the score."""

CAUSE_COLUMN = "cause"
"""Column of the prepared cohort that names the cause of an event."""

COHORT_COLUMN = "cohort"
"""Column of the prepared cohort whose levels are analysed apart and pooled."""


@dataclass(frozen=True, slots=True)
class TableFile:
    """Where a table comes from.

    Attributes
    ----------
    file : str
        A CSV or Parquet file, or a data set of an installed package such as
        ``sksurv:flchain``.
    scores : str or None
        A second file, with the scores, joined on ``id``.
    id : str or None
        Column that names a subject in both files.
    allow_unmatched : bool
        Leave out and count the ids that only one of the two files holds.
    left_out : str or None
        Column that says in words why a row does not enter the study; empty where it
        does.
    source : str
        Where the data can be obtained, for the message when the file is absent.
    """

    file: str
    scores: str | None = None
    id: str | None = None
    allow_unmatched: bool = False
    left_out: str | None = None
    source: str = ""


@dataclass(frozen=True, slots=True)
class Variable:
    """A score or a covariate.

    Attributes
    ----------
    name : str
        Its name in formulas and result tables.
    columns : tuple of str
        Column of the table, or several whose sum it is.
    label, unit : str
        How it is printed.
    per : float or "sd"
        Step of its hazard ratio, in ``unit`` or in standard deviations.
    within : str or None
        With ``per = "sd"``: the variable in whose levels the deviation is taken.
    cut_points : tuple of float
        Bounds of a score's groups; empty for its quantiles.
    cut_origin : str
        Where ``cut_points`` come from.
    levels : tuple of pairs
        Code and text of each level, the reference level first.
    categorical : bool
        The values are levels, not amounts.
    reference : str or None
        Level that the others are compared with.
    may_be_missing : bool
        Rows without a value stay in the study, and models with this score use the
        others.
    alone : bool
        No model holds it together with other scores.
    """

    name: str
    columns: tuple[str, ...]
    label: str
    unit: str = ""
    per: float | Literal["sd"] = 1.0
    within: str | None = None
    cut_points: tuple[float, ...] = ()
    cut_origin: str = ""
    levels: tuple[tuple[str, str], ...] = ()
    categorical: bool = False
    reference: str | None = None
    may_be_missing: bool = False
    alone: bool = False


@dataclass(frozen=True, slots=True)
class Subgroup:
    """A variable whose levels are compared.

    Attributes
    ----------
    name : str
        Its column in the prepared cohort and its name in result tables.
    key : str
        Its name in the study file.
    variable : str
        The score, covariate or column of the table that it is made from.
    label : str
        How it is printed.
    cuts : tuple of float
        Bounds between bands of a number; empty for a factor.
    labels : tuple of str
        Names of the bands.
    closed : str
        ``right``: a value equal to a bound belongs to the lower band.
    levels : tuple of pairs
        Code and text of each level.
    """

    name: str
    key: str
    variable: str
    label: str
    cuts: tuple[float, ...] = ()
    labels: tuple[str, ...] = ()
    closed: Closed = "right"
    levels: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Analysis:
    """Choices that no column of the data makes.

    Attributes
    ----------
    horizons : tuple of float
        Years at which survival is reported; empty for the package's choice.
    quantile_groups : int
        Number of groups of each score.
    reference : str
        Group that the others are compared with.
    seed : int
        Seed of everything drawn at random.
    n_boot : int
        Bootstrap draws that correct compared models for optimism; 0 for none.
    imputations : int
        Completed tables in which models are fitted again; 0 for none.
    early : tuple of float
        Years by which death is early; empty for no such analysis.
    landmarks : tuple of float or None
        Years after which models are fitted again; None for the package's choice.
    risk_categories : tuple of float
        Borders of categories of predicted risk.
    cohorts : str or None
        Column whose levels are analysed apart and pooled.
    strata, weights, cluster, id : str or None
        Columns of strata with their own baseline hazard, of case weights, of clusters
        for standard errors, and of subjects.
    """

    horizons: tuple[float, ...] = ()
    quantile_groups: int = 4
    reference: str = "Q1"
    seed: int = 1
    n_boot: int = 0
    imputations: int = 0
    early: tuple[float, ...] = ()
    landmarks: tuple[float, ...] | None = None
    risk_categories: tuple[float, ...] = ()
    cohorts: str | None = None
    strata: str | None = None
    weights: str | None = None
    cluster: str | None = None
    id: str | None = None


@dataclass(frozen=True, slots=True)
class Competing:
    """Causes of an event that compete.

    Attributes
    ----------
    column : str
        Column of the table that names the cause of each event.
    of : str
        The cause of interest, one of the texts below.
    levels : tuple of pairs
        Code and text of each cause; codes may share a text. Empty where the values of
        the column are texts themselves.
    other : str
        Text of all causes that ``levels`` does not list; empty if it lists all.
    outcome : str
        Name of the outcome that counts every cause; empty for the main one.
    """

    column: str
    of: str
    levels: tuple[tuple[str, str], ...] = ()
    other: str = ""
    outcome: str = ""


@dataclass(frozen=True, slots=True)
class Ages:
    """Scores that are ages, and the age lived.

    Attributes
    ----------
    predicted : tuple of str
        Scores that predict age, in years.
    age : str
        Covariate of the age in years.
    sd_by : str or None
        Covariate within whose levels gaps are put in standard deviations.
    older, younger : float
        Years at which the outer groups of gaps begin.
    """

    predicted: tuple[str, ...]
    age: str
    sd_by: str | None = None
    older: float = 10.0
    younger: float = 5.0


@dataclass(frozen=True, slots=True)
class Study:
    """A study file.

    Attributes
    ----------
    name : str
        Name of the study file, or of its folder where the file is ``study.toml``.
    path : Path
        The study file.
    text : str
        Its text.
    title : str
        Title of the report.
    table : TableFile
        The cohort.
    outcomes : tuple of Outcome
        The main outcome first.
    scores, covariates : tuple of Variable
        The biomarkers, and what they are adjusted for.
    subgroups : tuple of Subgroup
        Variables whose levels are compared.
    analysis : Analysis
        Further choices.
    competing : Competing or None
        Causes of an event that compete, where the study tells them apart.
    ages : Ages or None
        Scores that are ages, where the study measures their gaps.
    published : str or None
        File of published hazard ratios to print beside ours.
    printed : tuple of Variable
        Scores that only the published hazard ratios are about.
    described : tuple of Variable
        What Table 1 describes besides, and no model uses.
    photos : Photos or None
        Photographs that are scored before anything is analysed.
    kind : str
        What is asked of the scores: ``biomarker`` or ``audit``.
    audit : AuditChoices
        What an audit is asked for beyond its groups.
    prepare : str or None
        Script beside the study file that makes the table of the study.
    notes : str or None
        Text beside the study file that the report prints.
    statements : dict
        What the authors say of the study, by :data:`fahrstats.statements.STATEMENTS`.
    """

    name: str
    path: Path
    text: str
    title: str
    table: TableFile
    outcomes: tuple[Outcome, ...]
    scores: tuple[Variable, ...]
    covariates: tuple[Variable, ...] = ()
    subgroups: tuple[Subgroup, ...] = ()
    analysis: Analysis = field(default_factory=Analysis)
    competing: Competing | None = None
    ages: Ages | None = None
    published: str | None = None
    printed: tuple[Variable, ...] = ()
    described: tuple[Variable, ...] = ()
    photos: Photos | None = None
    kind: StudyKind = "biomarker"
    audit: AuditChoices = field(default_factory=AuditChoices)
    prepare: str | None = None
    notes: str | None = None
    statements: dict[str, str] = field(default_factory=dict)

    @property
    def main(self) -> Outcome:
        """The outcome of all tables that do not name another."""
        return self.outcomes[0]

    @property
    def variables(self) -> tuple[Variable, ...]:
        """Scores, then covariates."""
        return (*self.scores, *self.covariates)

    @property
    def together(self) -> tuple[Variable, ...]:
        """Scores that one model may hold together."""
        return tuple(score for score in self.scores if not score.alone)

    @property
    def known(self) -> tuple[Variable, ...]:
        """Scores and covariates that no analysed row lacks."""
        return tuple(v for v in self.variables if not v.may_be_missing)

    def named_outcome(self, name: str) -> Outcome:
        """Return the outcome of a name; the main one has the empty name."""
        return next(outcome for outcome in self.outcomes if outcome.name == name)

    def formula(self, *terms: str, outcome: Outcome | None = None) -> str:
        """Return the formula of an outcome and terms."""
        return f"{(outcome or self.main).surv} ~ {' + '.join(terms) or '1'}"

    def adjusted(self, *terms: str) -> tuple[str, ...]:
        """Return ``terms`` followed by all covariates."""
        return (*terms, *(covariate.name for covariate in self.covariates))
