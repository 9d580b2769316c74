"""From a file to a model that answers: checked, placed, loaded, with its template and defaults."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Self

from runner.catalog import Entry
from runner.errors import DeviceError, TemplateError
from runner.models import asked
from runner.models.adapted import adapters_of
from runner.models.draft import draft_of
from runner.models.find import Located
from runner.models.kept import identity, open_store
from runner.models.probed import probe_once
from runner.models.used import in_use
from runner.settings import Settings

if TYPE_CHECKING:
    from runner.engine.model import Model
    from runner.engine.options import Options
    from runner.engine.sampling import Sampling
    from runner.engine.stream import ReadProgress, Stream
    from runner.fit import Placement, Wishes
    from runner.prompt import ChatTemplate, Message, Prompt


@dataclass(slots=True)
class Ready:
    """A loaded model with its template and defaults. Close it, or use it in a `with` block."""

    located: Located
    model: "Model"
    template: "ChatTemplate"
    placement: "Placement"
    options: "Options"
    """What is asked of each reply."""
    think: bool | None
    """Whether to reason; None as the model does by itself."""
    origins: dict[str, str] = field(default_factory=dict)
    """Where each sampling value came from: command line, catalogue, model file, program…"""
    release: Callable[[], None] = lambda: None
    """Lets go of its files, which `runner rm` does not delete until then."""

    @property
    def sampling(self) -> "Sampling":
        return self.options.sampling

    def prompt(
        self, messages: "Sequence[Message]", *, tools: Sequence[dict[str, Any]] | None = None
    ) -> "Prompt":
        """What the model is given to say the assistant's next turn."""
        return self.template.render(messages, tools=tools, think=self.think)

    def samples(
        self, prompt: "Prompt", count: int, *, progress: "ReadProgress | None" = None
    ) -> "list[Stream]":
        """Start several replies to a prompt that is read once, each with the next seed."""
        return self.model.samples(prompt, count, self.options, progress=progress)

    def reply(
        self,
        messages: "Sequence[Message]",
        *,
        tools: Sequence[dict[str, Any]] | None = None,
        progress: "ReadProgress | None" = None,
    ) -> "Stream":
        """Start the assistant's next turn."""
        prompt = self.prompt(messages, tools=tools)
        return self.model.generate(prompt, self.options, progress=progress)

    def expect(self, messages: "Sequence[Message]", question: str = "") -> None:
        """The conversation is likely to go on from here, with a question that begins so: let the
        model read it while it is idle.

        Most templates leave the reasoning of earlier turns out, so that what was computed while it
        was written does not serve the next turn.
        """
        from runner.prompt import Message

        with suppress(TemplateError):  # not every template takes a question without words
            self.model.expect(self.prompt([*messages, Message("user", question)]))

    def continue_text(self, text: str, *, progress: "ReadProgress | None" = None) -> "Stream":
        """Continue a text without a template, as base models do."""
        from runner.prompt import Prompt

        return self.model.generate(Prompt.raw(text), self.options, progress=progress)

    def close(self) -> None:
        self.model.close()
        self.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def ready(
    located: Located,
    settings: Settings,
    *,
    progress: Callable[[float], bool] | None = None,
    remark: Callable[[str], None] = lambda _: None,
) -> Ready:
    """Check, place and load the model. `remark` is told of kept prompts that were damaged, and of
    what was asked or recommended and cannot be.

    Raises BadModelFile, ConfigurationError, DoesNotFit, DeviceError, TemplateError.
    """
    from runner.engine.model import Model
    from runner.fit import place
    from runner.llama import library
    from runner.models.wishes import wishes_of

    library.set_verbose(bool(settings.verbose))
    adapters = adapters_of(settings)
    options = asked.wanted(settings)
    wishes = wishes_of(settings)
    placement = place(located.path, wishes)
    draft = draft_of(settings, located)
    if draft is not None:
        options = replace(options, speculate=True)
    for one in (located, draft):
        if one is not None:
            probe_once(one)
    model = Model.open(
        located.path,
        placement,
        store=open_store(settings, remark),
        identity=identity(located),
        draft=(draft.path, _beside(draft, placement, wishes)) if draft else None,
        adapters=adapters,
        progress=progress,
    )
    think = False if settings.think == "off" else None
    entry = located.entry
    recommended = entry.sampling_for(think) if entry else None
    with ExitStack() as undo:
        undo.callback(model.close)
        placement = _placed(placement, model, wishes)
        sampling, origins = asked.sampling(settings, recommended, model.weights, remark)
        template = _template(model, entry)
        release = in_use(located, *filter(None, (draft,)))
        undo.pop_all()
    if think is False and template.marks and not template.can_switch_thinking:
        remark(
            "this model's template has no switch for its reasoning; --think-tokens 0 closes it at "
            "once"
        )
    return Ready(
        located=located,
        model=model,
        template=template,
        placement=placement,
        options=replace(options, sampling=sampling),
        think=think,
        origins=origins,
        release=release,
    )


def _placed(placement: "Placement", model: "Model", wishes: "Wishes") -> "Placement":
    """The placement with a remark on where llama.cpp really put the layers.

    Raises DeviceError where a GPU is required and none of them has one.
    """
    from runner.fit.offload import stated
    from runner.llama.devices import devices

    if not placement.gpu_layers:
        return placement
    where = stated(model.weights.layers_on, devices(), experts_on_cpu=placement.experts_on_cpu)
    if wishes.require_gpu and not where:
        raise DeviceError(
            "a GPU is required, and llama.cpp left every layer on the CPU",
            remedy="--verbose shows its reasons.",
        )
    return replace(placement, remarks=(*filter(None, (where,)), *placement.remarks))


def _beside(draft: Located, placement: "Placement", wishes: "Wishes") -> "Placement":
    """Where a draft model goes: its context is as long as that of the model it guesses for."""
    from runner.fit import place

    return replace(place(draft.path, replace(wishes, context=placement.context)), sequences=1)


def _template(model: "Model", entry: Entry | None) -> "ChatTemplate":
    from runner.prompt import ChatTemplate, Marks

    vocabulary = model.vocabulary

    def text(token: int) -> str:
        return vocabulary.piece(token).decode("utf-8", "replace") if token >= 0 else ""

    marks = None
    if entry is not None and entry.reasoning.open and entry.reasoning.close:
        marks = Marks(entry.reasoning.open, entry.reasoning.close)
    return ChatTemplate(
        model.template_source,
        bos=text(vocabulary.bos),
        eos=text(vocabulary.eos),
        marks=marks,
        fold_system=entry is not None and entry.avoid_system_prompt,
    )
