"""What only the authors of a study can say of it, by the key of ``[statements]``.

The list is what REMARK, TRIPOD+AI and STROBE ask for and no result table holds. A study
file gives the texts; reports print them where they belong, and list those that are
absent as open.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Statement:
    """One thing to be said by the authors.

    Attributes
    ----------
    label : str
        Its heading in a report.
    asks : str
        What belongs there, as it follows "Say ...".
    """

    label: str
    asks: str


STATEMENTS: Final[dict[str, Statement]] = {
    "background": Statement(
        "Background", "what is known of the marker, and which models there are already"
    ),
    "hypothesis": Statement(
        "Objectives and hypotheses",
        "what the study is to find out, and what was expected before it",
    ),
    "intended_use": Statement(
        "Intended use",
        "for whom the score is meant, for which decision, and who would use it",
    ),
    "known_inequalities": Statement(
        "Known inequalities in health",
        "how care and outcomes are known to differ between groups of these people",
    ),
    "design": Statement(
        "Design",
        "whether people were enrolled looking forward or back, how they were chosen, "
        "and by what they were matched",
    ),
    "setting": Statement("Setting", "which centres, countries and level of care"),
    "dates": Statement(
        "Dates", "when people entered the study, and when follow-up ended"
    ),
    "data_source": Statement(
        "Source of the data", "who collected the data, what for, and how"
    ),
    "representativeness": Statement(
        "Representativeness",
        "whom the data stand for, and who is missing from them",
    ),
    "eligibility": Statement(
        "Eligibility", "who could enter, who could not, and at which stage of disease"
    ),
    "treatment": Statement("Treatment", "which treatment was given, and by what rule"),
    "specimen": Statement(
        "Photographs",
        "how, when and with what camera photographs were taken, and how they were kept",
    ),
    "assay": Statement(
        "Reading of the score",
        "what was done to photographs before they were read, by whom, and how the "
        "quality of the reading was watched",
    ),
    "blinding": Statement(
        "Blinding",
        "whether the score was read without knowledge of the outcome, and the outcome "
        "found without knowledge of the score",
    ),
    "endpoint": Statement(
        "Endpoint",
        "how the event is defined and found out, and why these times were chosen",
    ),
    "outcome_assessment": Statement(
        "Who judged the outcome",
        "who judged it, with what training, and whether alike in all groups",
    ),
    "candidate_variables": Statement(
        "Variables considered",
        "every variable that was considered, and why those of the models were taken",
    ),
    "cut_points": Statement(
        "Cut points", "where cut points come from, and whether they were set before"
    ),
    "data_preparation": Statement(
        "Preparation of the data",
        "how the data were cleaned and checked, and whether alike in all groups",
    ),
    "sample_size": Statement("Size of the study", "why it has the size that it has"),
    "missing_data": Statement(
        "Missing data", "why values are missing, and what that may do to the findings"
    ),
    "loss_to_follow_up": Statement(
        "Loss to follow-up", "why people were lost, and how that was dealt with"
    ),
    "bias": Statement("Bias", "what was done against bias"),
    "analysis_plan": Statement(
        "Plan of analysis",
        "which analyses were planned before the data were seen, and which were not",
    ),
    "fairness": Statement(
        "Groups compared",
        "which groups were compared, how they were recorded, and why these",
    ),
    "development_data": Statement(
        "Data that the score was made from",
        "how people, outcome and photographs differ from those the score was made from",
    ),
    "interpretation": Statement(
        "Interpretation",
        "what the findings mean, in the light of the hypotheses and of other studies",
    ),
    "limitations": Statement("Limitations", "what the study cannot show, and why"),
    "generalisability": Statement(
        "Generalisability", "in whom else the findings may hold, and in whom not"
    ),
    "implications": Statement(
        "Implications", "what follows for research and for care, and what comes next"
    ),
    "poor_input": Statement(
        "Photographs of poor quality", "what users should do where one cannot be read"
    ),
    "user_expertise": Statement("Users", "what users must do, and what they must know"),
    "ethics": Statement("Ethics", "who approved the study, and who gave consent"),
    "funding": Statement("Funding", "who paid, and what part they had in the study"),
    "interests": Statement("Interests", "what interests the authors have to declare"),
    "protocol": Statement("Protocol", "where it can be read, or that there is none"),
    "registration": Statement(
        "Registration", "the register and number, or that there is none"
    ),
    "data_availability": Statement(
        "Availability of the data", "where the data can be had, and on what terms"
    ),
    "code_availability": Statement(
        "Availability of the code", "where the code can be had, and under which licence"
    ),
    "patient_involvement": Statement(
        "Involvement of patients and the public",
        "what part they had in the study, or that they had none",
    ),
}
"""Every key of ``[statements]``, in the order in which a paper says these things."""
