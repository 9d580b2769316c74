"""Questions answered in words by the shipped model: right, resumed, sampled, cut off."""

from pathlib import Path

import pytest

from runner.bench.quality import generated, tasks
from runner.bench.quality.run import Evaluation
from runner.bench.quality.state import State
from runner.bench.quality.task import Asked, Question, Task
from runner.bench.record import Item
from runner.models import Located, Ready, ready
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
    third = evaluation(located, Asked(limit=1))
    with third:
        third.put(task)
    assert third.resumed == 0


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
