"""From a file to a model that answers: checked, placed, loaded, with its template and defaults."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from runner.catalog import Entry
from runner.errors import ConfigurationError, DeviceError, DoesNotFit, TemplateError
from runner.models import asked
from runner.models.adapted import adapters_of
from runner.models.draft import draft_of
from runner.models.find import Located
from runner.models.kept import identity, open_store
from runner.models.probed import probe_once
from runner.models.tuned import ORIGIN, Tuned, applied, tuned_for, words_of
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
    tuned: Tuned | None = None
    """What `runner tune` found for it, which holds where the settings say nothing."""
    guessed: bool = False
    """Whether a draft model was loaded with it, which guesses for every reply."""

    @property
    def sampling(self) -> "Sampling":
        return self.options.sampling

    def prompt(
        self, messages: "Sequence[Message]", *, tools: Sequence[dict[str, Any]] | None = None
    ) -> "Prompt":
        """What the model is given to say the assistant's next turn."""
        return self.template.render(messages, tools=tools, think=self.think)

    def reply(
        self,
        messages: "Sequence[Message]",
        *,
        tools: Sequence[dict[str, Any]] | None = None,
        options: "Options | None" = None,
        progress: "ReadProgress | None" = None,
    ) -> "Stream":
        """Start the assistant's next turn, with the model's own options where none are given."""
        prompt = self.prompt(messages, tools=tools)
        return self.model.generate(prompt, options or self.options, progress=progress)

    def expect(
        self,
        messages: "Sequence[Message]",
        question: str = "",
        *,
        options: "Options | None" = None,
        tools: Sequence[dict[str, Any]] | None = None,
    ) -> None:
        """The conversation is likely to go on from here, with a question that begins so: let the
        model read it while it is idle.

        Most templates leave the reasoning of earlier turns out, so that what was computed while it
        was written does not serve the next turn.
        """
        from runner.prompt import Message

        with suppress(TemplateError):  # not every template takes a question without words
            asked = self.prompt([*messages, Message("user", question)], tools=tools)
            self.model.expect(asked, options or self.options)

    def continue_text(self, text: str, *, progress: "ReadProgress | None" = None) -> "Stream":
        """Continue a text without a template, as base models do."""
        from runner.prompt import Prompt

        return self.model.generate(Prompt.raw(text), self.options, progress=progress)

    def adjust(self, settings: Settings, remark: Callable[[str], None] = lambda _: None) -> None:
        """Ask of the replies from now on what these settings say. What they say of loading needs
        a new `Ready`. `remark` is told as by `ready`.

        Raises ConfigurationError for what cannot be asked of this model; nothing changes then.
        """
        from runner.llama import grammar

        settings = applied(settings, self.tuned)
        options = asked.wanted(settings)
        if options.constraint is not None:
            grammar.check(options.constraint.gbnf, self.model.vocabulary)
        think = False if settings.think == "off" else None
        entry = self.located.entry
        recommended = entry.sampling_for(think) if entry else None
        sampling, origins = asked.sampling(settings, recommended, self.model.weights, remark)
        sampling.check(self.model.vocabulary.size)
        if think is False and self.template.marks and not self.template.can_switch_thinking:
            remark(
                "this model's template has no switch for its reasoning; --think-tokens 0 closes it "
                "at once"
            )
        speculate = self.guessed if settings.speculate is None else options.speculate
        if self.guessed and not speculate:
            remark("speculate is false: the draft model is loaded and guesses nothing")
        self.options = replace(options, sampling=sampling, speculate=speculate)
        self.origins, self.think = origins, think

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
    sequences: int | None = None,
) -> Ready:
    """Check, place and load the model. `remark` is told of kept prompts that were damaged, and of
    what was asked or recommended and cannot be. `sequences` is how many replies are to be under way
    at once, where that is to be more or fewer than usual.

    Raises BadModelFile, ConfigurationError, DoesNotFit, DeviceError, TemplateError.
    """
    tuned = tuned_for(located)
    try:
        return _loaded(located, settings, tuned, progress, remark, sequences)
    except DoesNotFit:
        if tuned is None or applied(settings, tuned) is settings:
            raise
    remark(f"tuned, but there is no room for it now: {words_of(tuned.options)}")
    return _loaded(located, settings, None, progress, remark, sequences)


def _loaded(
    located: Located,
    settings: Settings,
    tuned: Tuned | None,
    progress: Callable[[float], bool] | None,
    remark: Callable[[str], None],
    sequences: int | None,
) -> Ready:
    from runner.engine.model import Model
    from runner.fit import place
    from runner.llama import library
    from runner.models.wishes import wishes_of

    library.set_verbose(bool(settings.verbose))
    settings = applied(settings, tuned)
    adapters = adapters_of(settings)
    options = asked.wanted(settings)
    wishes = wishes_of(settings)
    if sequences is not None:
        wishes = replace(wishes, sequences=sequences)
    template_source = _template_of(settings)
    placement = place(located.path, wishes)
    draft = draft_of(settings, located)
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
    with ExitStack() as undo:
        undo.callback(model.close)
        loaded = Ready(
            located=located,
            model=model,
            template=_template(template_source or model.template_source, model, located.entry),
            placement=_placed(_with_tuned(placement, settings), model, wishes),
            options=options,
            think=None,
            guessed=draft is not None,
            tuned=tuned,
        )
        loaded.adjust(settings, remark)
        loaded.release = in_use(located, *filter(None, (draft,)))
        undo.pop_all()
    return loaded


def _with_tuned(placement: "Placement", settings: Settings) -> "Placement":
    """The placement with a remark on what holds because it was tuned."""
    options = {name: settings.get(name) for name, why in settings.origins.items() if why == ORIGIN}
    if not options:
        return placement
    return replace(placement, remarks=(*placement.remarks, f"tuned: {words_of(options)}"))


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


def _template_of(settings: Settings) -> str | None:
    """The chat template that the settings put in place of the model's own. Raises
    ConfigurationError and TemplateError."""
    if settings.template is None:
        return None
    from runner.prompt import ChatTemplate

    path = Path(settings.template).expanduser()
    try:
        source = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text in UTF-8"
        raise ConfigurationError(
            f"the chat template {path} cannot be read: {reason}",
            remedy="--template names a file with a Jinja template, such as chat_template.jinja.",
        ) from error
    ChatTemplate(source)  # what is malformed is said before the model is loaded
    return source


def _template(source: str | None, model: "Model", entry: Entry | None) -> "ChatTemplate":
    from runner.prompt import ChatTemplate, Marks

    vocabulary = model.vocabulary

    def text(token: int) -> str:
        return vocabulary.piece(token).decode("utf-8", "replace") if token >= 0 else ""

    marks = None
    if entry is not None and entry.reasoning.open and entry.reasoning.close:
        marks = Marks(entry.reasoning.open, entry.reasoning.close)
    return ChatTemplate(
        source,
        bos=text(vocabulary.bos),
        eos=text(vocabulary.eos),
        marks=marks,
        fold_system=entry is not None and entry.avoid_system_prompt,
    )
