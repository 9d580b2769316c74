"""Tasks of lm-evaluation-harness that are answered in words: what of an answer is compared, with
what, and how it is drawn."""

from pathlib import Path

import pytest

from runner.bench.quality.matching import Answer, judge
from runner.bench.quality.task import Task
from runner.errors import BadDocument, ConfigurationError
from tests.bench.quality.files import ROW, harness, lines


@pytest.mark.parametrize(
    ("more", "matcher"),
    [
        ("", "exact"),
        (
            "filter_list: [{name: f, filter: [{function: regex, regex_pattern: '(\\d+)'}]}]",
            "numeric",
        ),
    ],
)
def test_a_harness_task_of_answers(tmp_path: Path, more: str, matcher: str) -> None:
    text = (
        "dataset_path: csv\ndataset_kwargs: {data_files: rows.jsonl}\n"
        'output_type: generate_until\ndoc_to_text: "Q: {{q}}\\nA:"\n'
        "doc_to_target: \"{{answer.split('####')[-1].strip()}}\"\n"
        f"generation_kwargs: {{max_gen_toks: 64, until: ['Q:']}}\n{more}\n"
    )
    task = harness(tmp_path, text, 'q,answer\n2 and 3?,"So\n#### 5"\n')
    (question,) = task.questions
    assert question.messages[0].content == "Q: 2 and 3?\nA:"
    assert (question.expected, question.matcher) == ("5", matcher)
    assert (task.name, task.kind, task.facts["max_tokens"]) == ("task", "generated", 64)


WORDS = """
dataset_path: json
dataset_kwargs: {data_files: rows.jsonl}
output_type: generate_until
doc_to_text: "{{question}}"
doc_to_target: "{{city}}"
"""
FILTER = "filter_list: [{name: f, filter: [{function: regex, regex_pattern: '%s'}]}]"
EXACT = "metric_list: [{metric: exact_match, aggregation: mean, higher_is_better: true%s}]"


def judged(task: Task, answer: str) -> bool:
    (question,) = task.questions
    return judge(question, Answer(answer))[0]


@pytest.mark.parametrize(
    ("more", "right", "wrong"),
    [
        (
            FILTER % r"answer is \(?([A-Z]\w+)\)?" + "\n" + EXACT % ", ignore_case: true",
            "The Seine. So the answer is (Paris).",
            "Paris",
        ),
        (EXACT % ", ignore_punctuation: true, ignore_case: true", "PARIS!", "Rome"),
        (EXACT % ", regexes_to_ignore: ['^City: ']", "City: Paris", "paris"),
        (
            "filter_list: [{name: a, filter: [{function: majority_vote}]}, {name: b, filter: "
            "[{function: regex, group_select: -1, regex_pattern: '(?:is|be) (\\w+)'}, "
            "{function: take_first}]}]",
            "It may be Rome, but it is Paris.",
            "It may be Paris, but it is Rome.",
        ),
        # Where what is right is no number, a pattern with digits stands for itself.
        (FILTER % "[A-Z][a-z0-9]+", "Paris, not Rome", "so"),
    ],
)
def test_what_a_harness_task_compares(tmp_path: Path, more: str, right: str, wrong: str) -> None:
    task = harness(tmp_path, WORDS + more)
    assert judged(task, right)
    assert not judged(task, wrong)
    assert "reading" in task.facts


@pytest.mark.parametrize(
    ("target", "matcher"),
    [("So\\n#### 1,000", "numeric"), ("$5.50", "numeric"), ("Room 5", "exact")],
)
def test_a_filter_for_digits_takes_numbers_where_numbers_are_right(
    tmp_path: Path, target: str, matcher: str
) -> None:
    text = WORDS.replace("{{city}}", target) + FILTER % r"([A-Z]\w+ \d)"
    (question,) = harness(tmp_path, text).questions
    assert question.matcher == matcher


def test_where_a_filter_finds_nothing(tmp_path: Path) -> None:
    task = harness(tmp_path, WORDS + FILTER % "answer is (.*)")
    (question,) = task.questions
    assert judge(question, Answer("Paris")) == (False, "[invalid]")
    assert task.facts["reading"]["finds"] == [
        {"pattern": "answer is (.*)", "index": 0, "fallback": "[invalid]"}
    ]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (
            "filter_list: [{name: f, filter: [{function: multi_choice_regex}]}]",
            "multi_choice_regex",
        ),
        ("filter_list: regex", "filter_list is malformed"),
        ("filter_list: [{name: f, filter: regex}]", "filter_list is malformed"),
        (FILTER % "(", "no regular expression"),
        ("metric_list: [{metric: bleu}]", "scored by bleu"),
        (EXACT % ", ignore_accents: true", "exact_match with ignore_accents"),
        ("gen_prefix: 'Answer: '", "gen_prefix"),
        ("generation_kwargs: {temperature: hot}", "temperature is 'hot'"),
        ("generation_kwargs: {do_sample: true, top_p: 2}", "top_p is 2"),
    ],
)
def test_what_is_not_known_of_comparing_is_refused(tmp_path: Path, more: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        harness(tmp_path, WORDS + more)


@pytest.mark.parametrize("target", ['"{{names}}"', "names", '"{{also.aliases}}"'])
def test_several_right_answers(tmp_path: Path, target: str) -> None:
    names = ["Paris", "paris"]
    row = {**ROW, "names": names, "also": {"aliases": names}}
    task = harness(tmp_path, WORDS.replace('"{{city}}"', target), lines(row))
    (question,) = task.questions
    assert (question.expected, question.matcher) == ("Paris\nparis", "one of")
    assert judged(task, "paris")
    assert not judged(task, "['Paris', 'paris']")
    one = harness(tmp_path, WORDS.replace('"{{city}}"', target),
                  lines({**row, "names": names[:1], "also": {"aliases": names[:1]}}))  # fmt: skip
    assert (one.questions[0].expected, one.questions[0].matcher) == ("Paris", "exact")
    for odd in ([], ["a\nb", "c"]):
        row = {**ROW, "names": odd, "also": {"aliases": odd}}
        with pytest.raises(BadDocument, match="gives no answer"):
            harness(tmp_path, WORDS.replace('"{{city}}"', target), lines(row))


def test_the_first_of_several_right_answers_is_in_an_example(tmp_path: Path) -> None:
    text = WORDS.replace('"{{city}}"', "names") + "num_fewshot: 1\n"
    rows = lines({"question": "One?", "names": ["1", "one"]}, {"question": "Two?", "names": ["2"]})
    _, second = harness(tmp_path, text, rows).questions
    assert second.messages[0].content == "One? 1\n\nTwo?"


def test_a_choice_as_the_answer_in_words(tmp_path: Path) -> None:
    text = WORDS.replace('"{{city}}"', "number") + 'doc_to_choice: "{{choices.text}}"\n'
    assert harness(tmp_path, text).questions[0].expected == "Paris"


@pytest.mark.parametrize(
    ("arguments", "sampling"),
    [
        ("{do_sample: false}", {"temperature": 0.0}),
        ("{do_sample: false, temperature: 0.7, top_p: 0.9}", {"temperature": 0.0}),
        ("{do_sample: true, temperature: 0.7, top_p: 0.9}", {"temperature": 0.7, "top_p": 0.9}),
        ("{max_gen_toks: 8}", None),
    ],
)
def test_how_a_harness_task_draws(
    tmp_path: Path, arguments: str, sampling: dict[str, float] | None
) -> None:
    task = harness(tmp_path, f"{WORDS}generation_kwargs: {arguments}\n")
    assert task.facts.get("sampling") == sampling
