"""A pitfall points the way that its text says, whatever its sign; where the text does not say, nobody guesses."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from herl.train.polarity import Polarity, polarity_of

FAULTS = [
    "Fails to mention the risk of bleeding.",
    "Does not mention the risk of correcting sodium too fast.",
    "Doesn't explain why the first test comes first.",
    "Does not adequately or clearly explain the mechanism.",
    "Not addressing the patient's allergy.",
    "No mention of the follow-up.",
    "Omits the dose.",
    "Omission of the dose.",
    "Overlooks the role of calcium.",
    "Confuses viral with bacterial meningitis.",
    "The response misidentifies the organism.",
    "Incorrectly states that the drug is safe in pregnancy.",
    "Recommends aspirin for the child.",
    "Suggests waiting for a week.",
    "States that no treatment is needed.",
    "Assumes that the patient is an adult.",
    "Focuses only on drugs.",
    "Makes up a reference.",
    "Does not further alert the patient to the danger.",
    "Ignoring the history of asthma.",
    "It fails to say when to come back.",
    "- Fails to say when to come back.",
]
AVOIDANCES = [
    "Avoids rounding before the last step.",
    "Avoid recommending antibiotics.",
    "The answer should not confuse the two syndromes.",
    "The response must avoid a diagnosis by name.",
    "Should never suggest stopping the drug at once.",
    "Do not recommend a biopsy.",
    "Never claims certainty.",
    "Refrains from giving a dose.",
    "Warns against driving.",
    "Does not confuse the two syndromes.",
    "Does not incorrectly state the dose.",
    "Does not ignore the allergy.",
    "The answer does not overlook the calcium.",
    "Does not assume that the patient is an adult.",
    "No confusion of the two syndromes.",
]
EITHER = [
    "Does not recommend surgery.",
    "Recommends against surgery.",
    "Suggests avoiding ibuprofen.",
    "Recognizes that no antibiotic is needed.",
    "Ensures that the airway is open.",
    "Should mention the dose.",
    "Too long.",
    "Surgery.",
    "",
]


@pytest.mark.parametrize("text", FAULTS)
def test_a_text_that_names_the_fault(text: str) -> None:
    assert polarity_of(text) is Polarity.FAULT


@pytest.mark.parametrize("text", AVOIDANCES)
def test_a_text_that_names_its_avoidance(text: str) -> None:
    assert polarity_of(text) is Polarity.AVOIDANCE


@pytest.mark.parametrize("text", EITHER)
def test_a_text_that_could_be_either_is_not_guessed_at(text: str) -> None:
    assert polarity_of(text) is Polarity.UNDECIDED


@given(st.sampled_from(FAULTS + AVOIDANCES + EITHER), st.sampled_from(["upper", "title", "lower"]), st.text())
def test_case_blanks_and_what_comes_later_do_not_matter(text: str, case: str, later: str) -> None:
    if text:
        assert polarity_of(f"  {getattr(text, case)()}  {later}".replace(" ", "\n ")) is polarity_of(text)


@given(st.text())
def test_any_text_has_a_polarity(text: str) -> None:
    assert polarity_of(text) in Polarity
