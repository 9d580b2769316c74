"""Questions answered in words by the shipped model: right, resumed, sampled, cut off."""

from dataclasses import replace
from pathlib import Path

import pytest

from runner.bench.quality import generated, tasks
from runner.bench.quality.answering import fitting
from runner.bench.quality.reading import Find, Reading
from runner.bench.quality.run import Evaluation
from runner.bench.quality.state import State
from runner.bench.quality.task import Asked, Question, Task
from runner.bench.record import Item
from runner.models import Located, Ready, ready, shipped
from runner.prompt import Message
from runner.settings import Settings

SETTINGS = Settings(threads=1)


def load(located: Located, settings: Settings, at_once: int) -> Ready:
    return ready(located, settings, sequences=at_once)


@pytest.fixture
def located(tiny_path: Path) -> Located:
    return Located(tiny_path, "tiny", "Q8_0")


def evaluation(located: Located, asked: Asked, settings: Settings = SETTINGS) -> Evaluation:
    return Evaluation(located, settings, asked, load=load, progress=lambda *_: None)


def sums(count: int) -> Task:
    (task,) = tasks.find("tiny/add")
    return Task(task.name, task.kind, "", task.sha256, questions=task.questions[:count],
                facts=task.facts)  # fmt: skip


def test_answers_are_judged_and_kept(located: Located) -> None:
    task = sums(6)
    with evaluation(located, Asked(at_once=3)) as one:
        result = one.put(task)
        record = one.record([result], name="tiny")
    assert [item.id for item in result.items] == [question.id for question in task.questions]
    assert all(item.correct for item in result.items)
    assert all(item.reasoning_tokens and item.finish == "end" for item in result.items)
    accuracy = result.summary("accuracy")
    assert accuracy is not None
    assert (accuracy.median, result.normaliser) == (1.0, "one of")
    assert result.summaries[0] is accuracy
    seconds = result.summary("seconds_per_correct")
    assert seconds is not None
    assert seconds.median == pytest.approx(sum(item.seconds for item in result.items) / 6)
    assert (record.kind, record.tasks) == ("quality", (result,))


def test_an_interrupted_evaluation_goes_on(located: Located) -> None:
    task, kept = sums(5), 0

    def stop(_name: str, done: int, _total: int) -> None:
        nonlocal kept
        kept = done
        if done == 2:
            raise KeyboardInterrupt

    first = Evaluation(located, SETTINGS, Asked(at_once=2), load=load, progress=stop)
    with pytest.raises(KeyboardInterrupt), first:
        first.put(task)
    assert kept == 2
    counts: list[int] = []
    second = evaluation(located, Asked(at_once=2))
    second.progress = lambda _name, done, _total: counts.append(done)
    with second:
        result = second.put(task)
        assert second.resumed == 2
        assert (counts[0], counts[-1], len(result.items)) == (2, 5, 5)
        second.done()
    third = evaluation(located, Asked(limit=1, at_once=2))
    with third:
        third.put(task)
    assert third.resumed == 0


def test_only_what_is_wanted_of_an_earlier_one_counts_and_goes(located: Located) -> None:
    task, said = sums(4), list[str]()
    with evaluation(located, Asked()) as one:
        one.put(task)
    assert one.kept() == 4
    with evaluation(located, Asked(limit=1)) as one:
        one.remark = said.append
        result = one.put(task)
        one.done()
    assert (len(result.items), one.resumed) == (1, 1)
    assert said == ["tiny/add: 1 were answered before; --anew asks them again"]
    with evaluation(located, Asked()) as one:
        one.put(task)
    assert one.resumed == 3, "a shorter evaluation takes nothing from a longer one"


@pytest.mark.parametrize(
    ("prompts", "reply", "context", "fit"),
    [
        ([100] * 20, 156, 2048, 8),
        ([100] * 20, 400, 2048, 4),
        ([100] * 3, 400, 1600, 8),
        ([1000, *[100] * 20], 400, 2048, 2),
        ([100] * 20, 5000, 2048, 1),
        ([], 100, 256, 8),
    ],
)
def test_as_many_at_once_as_there_is_room_for(
    prompts: list[int], reply: int, context: int, fit: int
) -> None:
    assert fitting(8, prompts, reply, context) == fit


def test_a_small_context_is_shared_by_fewer(located: Located) -> None:
    said: list[str] = []
    with evaluation(located, Asked(at_once=8, limit=4), Settings(threads=1, ctx=512)) as one:
        one.remark = said.append
        result = one.put(sums(8))
    assert result.facts is not None
    assert result.facts["at_once"] == 1
    assert said[0].startswith("tiny/add: 1 at once, not 8: the context of 512 tokens has no room")
    assert all(item.correct for item in result.items)


def test_the_same_is_answered_each_time(located: Located) -> None:
    """Also after other questions were answered, which left something in the cache."""
    (first,), (other,) = tasks.find("tiny/sort-words"), tasks.find("tiny/recall-a-name")
    asked = Asked(limit=12, at_once=4)
    answers = []
    for order in ((first, other), (other, first)):
        with evaluation(located, asked) as one:
            results = {task.name: one.put(task) for task in order}
            one.done()
        answers.append({name: [x.answer for x in result.items] for name, result in results.items()})
    assert answers[0] == answers[1]


def test_other_settings_are_another_evaluation(located: Located) -> None:
    task = sums(1)
    with evaluation(located, Asked()) as one:
        one.put(task)
    for settings, resumed in (
        (Settings(threads=2), 1),
        (Settings(threads=1, temperature=0.5), 0),
        (Settings(threads=1, max_tokens=5), 0),
    ):
        with evaluation(located, Asked(), settings) as one:
            one.put(task)
            assert one.resumed == resumed


def test_what_else_decides_answers_is_another_evaluation(
    located: Located, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = sums(1)

    def resumed(asked: Asked) -> int:
        with evaluation(located, asked) as one:
            one.put(task)
            return one.resumed

    assert resumed(Asked()) == 0
    assert resumed(Asked(at_once=task.facts["at_once"])) == 1, "as it is by itself"
    assert resumed(Asked(at_once=3)) == 0
    monkeypatch.setattr("runner.bench.quality.run.RULES", 0)
    assert resumed(Asked()) == 0
    monkeypatch.setattr("runner.bench.quality.run.__version__", "0")
    assert resumed(Asked()) == 0


def test_another_adapter_of_the_same_name_is_another_evaluation(
    located: Located, tmp_path: Path
) -> None:
    lora = tmp_path / "style.gguf"
    paths = []
    for content in (b"one", b"other"):
        lora.write_bytes(content)
        one = evaluation(located, Asked(), Settings(threads=1, lora=(f"{lora}:0.5",)))
        paths.append(one._state(sums(1)).path)
    assert paths[0] != paths[1]


def test_how_a_task_says_to_ask_is_in_its_result(located: Located) -> None:
    facts = {"asked": "so", "examples": "2: the first of dev", "data": ["rows.jsonl"],
             "stop": ["Q:"], "sampling": {"temperature": 0.0}, "max_tokens": 9}  # fmt: skip
    task = replace(sums(1), facts=facts)
    with evaluation(located, Asked(max_tokens=5)) as one:
        found = one.put(task).facts
    assert found is not None
    assert {key: found[key] for key in ("asked", "examples", "data", "stop")} == {
        key: facts[key] for key in ("asked", "examples", "data", "stop")
    }
    assert (found["max_tokens"], found["sampling"]["temperature"]) == (5, 0.0)
    assert "top_p" in found["sampling"]


def test_an_answer_is_read_as_the_task_says(located: Located) -> None:
    (whole,) = sums(1).questions
    question = replace(whole, matcher="exact", expected="=", reading=Reading((Find("[=]"),)))
    with evaluation(located, Asked()) as one:
        (item,) = one.put(replace(sums(1), questions=(question,))).items
    assert (item.correct, item.extracted) == (True, "=")
    assert len(item.answer) > 1


def test_samples_differ_and_give_pass_at_1(located: Located) -> None:
    task = Task(
        "free", "generated", "", "1",
        questions=(Question("1", (Message("user", "hello"),), "Hello", "begins"),),
        facts={"sampling": {"temperature": 2.0, "top_k": 0, "top_p": 1.0}, "max_tokens": 30},
    )  # fmt: skip
    with evaluation(located, Asked(samples=4)) as one:
        result = one.put(task)
    assert [item.sample for item in result.items] == [0, 1, 2, 3]
    assert len({item.answer for item in result.items} | {"", "…"}) > 2
    passed = result.summary("pass_at_1")
    assert passed is not None
    assert (passed.blocks, passed.samples) == (1, 4)


def test_what_is_cut_off_is_wrong_and_said(located: Located) -> None:
    long = Question("long", (Message("user", "ab " * 3000),), "x", "exact")
    task = Task("cut", "generated", "", "2", questions=(*sums(1).questions, long))
    with evaluation(located, Asked(), Settings(threads=1, max_tokens=4)) as one:
        result = one.put(task)
    assert [item.finish for item in result.items] == ["length", "prompt too long"]
    assert not any(item.correct for item in result.items)
    assert result.facts is not None
    assert result.facts["cut_off"] == 2


def test_a_right_answer_that_was_cut_off_is_wrong(located: Located) -> None:
    task = Task(
        "hello", "generated", "", "3",
        questions=(Question("1", (Message("user", "hello"),), "", "begins"),),
        facts={"sampling": {"temperature": 0.0}},
    )  # fmt: skip
    for tokens, right in ((None, True), (5, False)):
        with evaluation(located, Asked(max_tokens=tokens)) as one:
            (item,) = one.put(task).items
            one.done()
        assert (item.correct, item.finish) == (right, "end" if right else "length")


def test_a_choice_needs_no_second_load_for_the_record(located: Located) -> None:
    loaded: list[str] = []

    def none(*_: object) -> Ready:
        loaded.append("again")
        raise AssertionError

    (task,) = tasks.find("common-sense")
    with Evaluation(located, SETTINGS, Asked(limit=2), none, lambda *_: None) as one:
        record = one.record([one.put(task)], name="tiny")
    assert not loaded
    assert (record.configuration.threads, record.configuration.sampling) == (1, {})
    assert record.configuration.context >= 2048


def test_what_says_little_is_said(located: Located) -> None:
    said: list[str] = []
    (choice,) = tasks.find("common-sense")
    with evaluation(replace(located, entry=shipped().entry), Asked(limit=1)) as one:
        one.remark = said.append
        one.put(choice)
    assert "without reasoning, which tiny was made for" in said[0]
    with evaluation(located, Asked(samples=2)) as one:
        one.remark = said.append
        one.put(sums(1))
    assert said[1:] == ["tiny/add: with temperature 0 all answers to a question are the same"]


def test_samples_of_a_question_count_once_in_means() -> None:
    items = tuple(
        Item(id, correct=True, sample=sample, reply_tokens=tokens)
        for id, tokens in (("a", 10), ("b", 30))
        for sample in range(8)
    )
    result = generated.result(sums(1), items, {"samples": 8})
    length = result.summary("reply_tokens")
    assert length is not None
    assert (length.median, length.blocks, length.samples) == (20, 2, 16)


def test_calls_tools_and_earlier_turns(located: Located) -> None:
    for name in ("tiny/call-a-tool", "tiny/use-its-answer", "tiny/recall-a-name"):
        (task,) = tasks.find(name)
        with evaluation(located, Asked(limit=4)) as one:
            result = one.put(task)
        assert sum(bool(item.correct) for item in result.items) >= 3, name


def test_a_line_that_was_cut_off_is_no_item(isolated: Path) -> None:
    state = State("a", 1)
    state.keep(Item("1", correct=True, answer="ja\nnein"))
    with state.path.open("a", encoding="utf-8") as file:
        file.write('{"id": "2", "corr')
    state.keep(Item("3"))
    assert [item.id for item in state.items()] == ["1", "3"]
    state.forget()
    assert not state.items()


def test_nothing_right_has_no_time_for_each() -> None:
    items = (Item("1", correct=False, reply_tokens=3, seconds=1.0),)
    result = generated.result(sums(1), items, {"samples": 1})
    assert result.summary("seconds_per_correct") is None
