"""How prompts ask for each kind of constraint, in words of our own; several ways each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

_FREQUENCY: Mapping[str, Sequence[str]] = {
    "at least": (
        'Use the word "{keyword}" at least {frequency} times.',
        'The word "{keyword}" has to come up {frequency} times or more.',
    ),
    "less than": (
        'Use the word "{keyword}" fewer than {frequency} times.',
        'The word "{keyword}" must occur less than {frequency} times.',
    ),
}
_LETTER: Mapping[str, Sequence[str]] = {
    "at least": (
        'The letter "{letter}" must occur at least {let_frequency} times.',
        'Make sure that "{letter}" is among your letters {let_frequency} times or more.',
    ),
    "less than": (
        'The letter "{letter}" must occur less than {let_frequency} times.',
        'Use the letter "{letter}" fewer than {let_frequency} times.',
    ),
}
_UPPER = (
    "Write everything in capital letters.",
    "Use only capital letters.",
    "The whole text has to be in uppercase English.",
)
_LOWER = (
    "Write everything in small letters.",
    "Do not use a single capital letter.",
    "The whole text has to be in lowercase English.",
)

WORDINGS: Mapping[str, Sequence[str]] = {
    "keywords:existence": (
        "Use the words {words}.",
        "The words {words} must all occur.",
        "Work the words {words} into your text.",
    ),
    "keywords:existence|one": (
        "Use the word {words}.",
        "The word {words} must occur.",
        "Mention the word {words} somewhere.",
    ),
    "muldimif:keywords": ("Your text must contain the keywords {words}.", "Bring in the keywords {words}."),
    "muldimif:keywords|one": ("Your text must contain the keyword {words}.", "Bring in the keyword {words}."),
    "keywords:forbidden_words": (
        "Do without the words {words}.",
        "None of the words {words} may occur.",
        "Avoid the words {words}.",
    ),
    "keywords:forbidden_words|one": (
        "Do without the word {words}.",
        "The word {words} is forbidden.",
        "Avoid the word {words}.",
    ),
    "keywords:exclude_word_harder|one": ("Leave out the word {words}.", "Write it without the word {words}."),
    "muldimif:no_keywords": ("Keep clear of the keywords {words}.", "Do not use any of the keywords {words}."),
    "muldimif:no_keywords|one": ("Keep clear of the keyword {words}.", "The keyword {words} is not allowed."),
    **{f"keywords:frequency|{relation}": told for relation, told in _FREQUENCY.items()},
    **{f"keywords:word_count_different_numbers|{relation}": told for relation, told in _FREQUENCY.items()},
    "keywords:word_once": (
        'Use the word "{keyword}" exactly once.',
        'The word "{keyword}" should come up one single time.',
    ),
    "count:count_increment_word": (
        'Use the word "{keyword1}" once and the word "{keyword2}" twice.',
        '"{keyword1}" should occur one time and "{keyword2}" two times.',
    ),
    "keywords:keyword_specific_position": (
        'Word {m} of sentence {n} must be "{keyword}".',
        'Make "{keyword}" word number {m} of sentence number {n}.',
    ),
    **{f"keywords:letter_frequency|{relation}": told for relation, told in _LETTER.items()},
    **{f"letters:letter_counting2|{relation}": told for relation, told in _LETTER.items()},
    "muldimif:swap": ('Write "{include}" and never "{avoid}".', 'Speak of "{include}" but do not use "{avoid}".'),
    "muldimif:phrase": ('The phrase "{phrase}" must occur word for word.', 'Work in the phrase "{phrase}".'),
    "language:response_language": (
        "Answer in {language} only.",
        "Write all of it in {language}.",
        "Your reply has to be in {language}.",
    ),
    "change_case:english_capital": _UPPER,
    "change_case:english_lowercase": _LOWER,
    "muldimif:upper_case": _UPPER[:2],
    "muldimif:lower_case": _LOWER[:2],
    "muldimif:title_case": ("Begin every word with a capital letter.", "Capitalize the first letter of each word."),
    "change_case:capital_word_frequency|at least": (
        "Write at least {capital_frequency} of the words in all capitals.",
        "Put {capital_frequency} or more words in capital letters for emphasis.",
    ),
    "change_case:capital_word_frequency|less than": (
        "Fewer than {capital_frequency} words may be in all capitals.",
        "Write less than {capital_frequency} words in capital letters.",
    ),
    "punctuation:no_comma": ("Do not use any commas.", "Write it without commas.", "No commas please."),
    "length_constraints:number_words|at least": (
        "Use at least {num_words} words.",
        "Write {num_words} words or more.",
        "It should not be shorter than {num_words} words.",
    ),
    "length_constraints:number_words|less than": (
        "Use fewer than {num_words} words.",
        "Keep it below {num_words} words.",
        "Write less than {num_words} words.",
    ),
    "length_constraints:number_sentences|at least": (
        "Write at least {num_sentences} sentences.",
        "It should have {num_sentences} sentences or more.",
    ),
    "length_constraints:number_sentences|less than": (
        "Write fewer than {num_sentences} sentences.",
        "Keep it below {num_sentences} sentences.",
    ),
    "letters:letter_counting|at least": (
        "Use at least {N} letters in total.",
        "All words together must have {N} letters or more.",
    ),
    "letters:letter_counting|less than": (
        "Use fewer than {N} letters in total.",
        "All words together must have less than {N} letters.",
    ),
    "count:lowercase_counting": (
        "Use at most {N} words in small letters.",
        "No more than {N} words may be in lowercase.",
    ),
    "muldimif:words": (
        "Write between {at_least} and {at_most} words.",
        "The length should be {at_least} to {at_most} words.",
    ),
    "muldimif:sentences": (
        "Write {at_least} to {at_most} sentences.",
        "It must have at least {at_least} and at most {at_most} sentences.",
    ),
    "muldimif:sentences|exactly": (
        "Write exactly {at_least} sentences.",
        "It must have {at_least} sentences, no more and no less.",
    ),
    "muldimif:characters": (
        "Stay within {at_most} characters.",
        "The text may have at most {at_most} characters, spaces included.",
    ),
    "muldimif:one_line": (
        "Write a single line of at most {words_at_most} words.",
        "Put it all on one line with no more than {words_at_most} words.",
    ),
    "length_constraints:number_paragraphs": (
        "Write exactly {num_paragraphs} paragraphs and put *** between them.",
        "Divide the text into {num_paragraphs} paragraphs with the divider *** between two of them.",
    ),
    "paragraphs:paragraphs": (
        "Write two paragraphs with *** between them.",
        "Split it into two paragraphs by a line with ***.",
    ),
    "paragraphs:paragraphs2": (
        "Write two paragraphs with an empty line between them.",
        "Split it into two paragraphs by one empty line.",
    ),
    "muldimif:paragraphs": ("Write {at_least} paragraphs.", "The text must have exactly {at_least} paragraphs."),
    "length_constraints:nth_paragraph_first_word": (
        "Write {num_paragraphs} paragraphs with an empty line between them and begin paragraph {nth_paragraph} with "
        'the word "{first_word}".',
        "Use {num_paragraphs} paragraphs, set apart by empty lines; number {nth_paragraph} must start with "
        '"{first_word}".',
    ),
    "detectable_format:multiple_sections": (
        'Divide it into {num_sections} sections headed "{section_spliter} 1", "{section_spliter} 2" and so on.',
        'Write {num_sections} sections and mark each with "{section_spliter}" and its number.',
    ),
    "muldimif:headings": (
        'Use Markdown headings of level {level} ("{hashes} ...").',
        "Structure it with Markdown headings of level {level}.",
    ),
    "detectable_format:number_bullet_lists": (
        "Include exactly {number} bullet points, each marked with a dash.",
        "Put the main points in a list of {number} bullets that begin with a dash.",
    ),
    "muldimif:numbered_list": (
        "Include a numbered list of exactly {number} points (1., 2. and so on).",
        "Give {number} numbered points.",
    ),
    "muldimif:short_items": (
        "Write it as a list with dashes and no item of more than {at_most} words.",
        "Reply with a list only; each item starts with a dash and has at most {at_most} words.",
    ),
    "muldimif:table": (
        'Include a Markdown table with the columns "Point" and "Note" and {rows} rows below the header.',
        'Add a Markdown table of two columns, "Point" and "Note", with exactly {rows} rows.',
    ),
    "detectable_format:json_format": (
        "Reply with valid JSON and nothing else.",
        "The whole reply must be one valid JSON value.",
    ),
    "muldimif:json_depth": (
        "Reply in JSON that is nested at least {at_least} levels deep.",
        "Give a JSON value with {at_least} or more levels of nesting and no other text.",
    ),
    "combination:two_responses": (
        "Give two different versions with ****** between them.",
        "Write two different answers and separate them by six asterisks (******).",
    ),
    "detectable_content:number_placeholders": (
        "Include at least {num_placeholders} placeholders in square brackets such as [name].",
        "Leave {num_placeholders} or more blanks to fill in, written like [date].",
    ),
    "detectable_format:number_highlighted_sections": (
        "Highlight at least {num_highlights} parts of the text with *asterisks*.",
        "Mark {num_highlights} or more phrases in Markdown italics (*like this*).",
    ),
    "muldimif:bold": (
        "Print at least one phrase in Markdown bold (**like this**).",
        "Use bold type in Markdown for what matters most.",
    ),
    "detectable_format:title": (
        "Give it a title in double angular brackets such as <<title>>.",
        "Put a title on top, written <<like this>>.",
    ),
    "detectable_content:postscript": (
        'Finish with a postscript; mark it "{postscript_marker}".',
        'A postscript with the mark "{postscript_marker}" belongs at the end.',
    ),
    "startend:quotation": (
        "Put the whole answer in double quotation marks.",
        "The first and the last character must be double quotation marks.",
    ),
    "startend:end_checker": ('End with the exact words "{end_phrase}"', 'The last words must be "{end_phrase}"'),
    "combination:repeat_prompt": (
        'Before you answer, copy the request "{prompt_to_repeat}" word for word.',
        'Begin by copying this line: "{prompt_to_repeat}" Your answer follows after it.',
    ),
    "detectable_format:constrained_response": (
        'Settle on one of these answers: "My answer is maybe.", "My answer is no.", "My answer is yes."',
        'Take a stand with just one of these: "My answer is maybe.", "My answer is no.", "My answer is yes."',
    ),
    "muldimif:start": ('Open with the words "{text}".', 'The text must start with "{text}".'),
    "first_word:first_word_answer": ('Start with the word "{first_word}".', 'The first word must be "{first_word}".'),
    "first_word:first_word_sent": (
        'Start every sentence with the word "{first_word}".',
        'The first word of each sentence must be "{first_word}".',
    ),
    "last_word:last_word_answer": (
        'Let "{last_word}" be the last word of your text.',
        'The text must end with the word "{last_word}".',
    ),
    "last_word:last_word_sent": (
        'End every sentence with the word "{last_word}".',
        'The last word of each sentence must be "{last_word}".',
    ),
    "keywords:start_end": (
        "Begin and end with the same word and put no punctuation after the last one.",
        "Let the first word come back as the last word, without a full stop behind it.",
    ),
    "muldimif:exclaim": ("The text must end with an exclamation mark.", "Close with an exclamation mark."),
    "punctuation:punctuation_dot": ("Do not use any full stops.", "Write it without a single period."),
    "punctuation:punctuation_exclamation": ("Do not use exclamation marks.", "Write it without exclamation marks."),
    "detectable_format:sentence_hyphens": (
        "Join the sentences with hyphens and no spaces around them.",
        "Put a hyphen instead of a space between any two sentences.",
    ),
    "detectable_format:square_brackets": (
        "Put every word in square brackets.",
        "Write each word in [square] [brackets].",
    ),
    "detectable_format:bigram_wrapping": (
        "Wrap every two words in double angular brackets <<like this>> <<one here>>.",
        "Put each pair of words in << and >>.",
    ),
    "copy:copying_simple": (
        'Repeat this sentence exactly and add nothing: "{prompt_to_repeat}"',
        'Copy the following sentence word for word, without any remark: "{prompt_to_repeat}"',
        'Do nothing but repeat: "{prompt_to_repeat}"',
    ),
    "copy:copying_multiple": (
        'Repeat this sentence {N} times with ****** between and add nothing: "{prompt_to_repeat}"',
        'Copy the following sentence {N} times, separated by ******: "{prompt_to_repeat}"',
    ),
}
"""Kind, with its variant if it has several -> sentences; the fields are arguments of its check."""
