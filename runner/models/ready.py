"""From a file to a model that answers: checked, placed, loaded, with its template and defaults."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Self

from runner.catalog import Entry
from runner.errors import DeviceError, OfflineError, TemplateError
from runner.library import Library
from runner.models.find import Located
from runner.models.kept import identity, open_store
from runner.models.probed import probe_once
from runner.settings import Settings

if TYPE_CHECKING:
    from runner.engine.model import Model
    from runner.engine.options import Options
    from runner.engine.sampling import Sampling
    from runner.engine.stream import ReadProgress, Stream
    from runner.fit import Placement, Wishes
    from runner.prompt import ChatTemplate, Message


@dataclass(slots=True)
class Ready:
    """A loaded model with its template and defaults. Close it, or use it in a `with` block."""

    located: Located
    model: "Model"
    template: "ChatTemplate"
    placement: "Placement"
    sampling: "Sampling"
    max_tokens: int | None
    think: bool | None
    origins: dict[str, str] = field(default_factory=dict)
    """Where each sampling value came from: command line, catalogue, model file, program…"""

    def reply(
        self,
        messages: "Sequence[Message]",
        *,
        tools: Sequence[dict[str, Any]] | None = None,
        progress: "ReadProgress | None" = None,
    ) -> "Stream":
        """Start the assistant's next turn."""
        prompt = self.template.render(messages, tools=tools, think=self.think)
        return self.model.generate(prompt, self._options(), progress=progress)

    def _options(self) -> "Options":
        from runner.engine.options import Options

        return Options(sampling=self.sampling, max_tokens=self.max_tokens)

    def expect(self, messages: "Sequence[Message]") -> None:
        """The conversation is likely to go on from here: let the model read it while it is idle.

        Most templates leave the reasoning of earlier turns out, so that what was computed while it
        was written does not serve the next turn.
        """
        from runner.prompt import Message

        with suppress(TemplateError):  # not every template takes a question without words
            self.model.expect(self.template.render([*messages, Message("user", "")]))

    def continue_text(self, text: str, *, progress: "ReadProgress | None" = None) -> "Stream":
        """Continue a text without a template, as base models do."""
        from runner.prompt import Prompt

        return self.model.generate(Prompt.raw(text), self._options(), progress=progress)

    def close(self) -> None:
        self.model.close()

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
    """Check, place and load the model. `remark` is told of kept prompts that were damaged.

    Raises BadModelFile, DoesNotFit, DeviceError, TemplateError.
    """
    from runner.engine.model import Model
    from runner.fit import Wishes, place
    from runner.llama import library

    library.set_verbose(bool(settings.verbose))
    wishes = Wishes(
        context=settings.ctx,
        gpu_layers=settings.gpu_layers,
        device=settings.device,
        require_gpu=bool(settings.require_gpu),
        kv_type=settings.kv,
        threads=settings.threads,
        rpc=settings.rpc,
        tensor_split=settings.tensor_split,
        experts_on_cpu=bool(settings.cpu_moe),
        flash_attention=settings.flash_attention,
    )
    if settings.rpc and settings.offline:
        raise OfflineError(
            f"--offline forbids a connection to {settings.rpc}",
            remedy="Leave --rpc or --offline out.",
        )
    placement = place(located.path, wishes)
    if located.entry is None or located.entry.path is None:
        probe_once(located.path)
    model = Model.open(
        located.path,
        placement,
        store=open_store(settings, remark),
        identity=identity(located),
        progress=progress,
    )
    try:
        placement = _placed(placement, model, wishes)
    except BaseException:
        model.close()
        raise
    if located.record is not None:
        Library().touch(located.record)
    sampling, origins = _sampling(settings, located.entry, model)
    return Ready(
        located=located,
        model=model,
        template=_template(model, located.entry),
        placement=placement,
        sampling=sampling,
        max_tokens=settings.max_tokens,
        think=None,
        origins=origins,
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


# Our name of a sampling value → the key under which a GGUF may recommend one.
FILE_KEYS = {
    "temperature": "general.sampling.temp",
    "top_k": "general.sampling.top_k",
    "top_p": "general.sampling.top_p",
    "min_p": "general.sampling.min_p",
    "repeat_penalty": "general.sampling.penalty_repeat",
    "presence_penalty": None,
}


def _sampling(
    settings: Settings, entry: Entry | None, model: "Model"
) -> "tuple[Sampling, dict[str, str]]":
    """Each sampling value from the first that names one, and where that was."""
    from runner.engine.sampling import Sampling

    recommended = entry.sampling_for(None) if entry else None
    values: dict[str, Any] = {"seed": settings.seed}
    origins = {"seed": settings.origin("seed") if settings.seed is not None else "drawn"}
    for name, key in FILE_KEYS.items():
        candidates = (
            (getattr(settings, name, None), settings.origin(name)),
            (getattr(recommended, name, None), "catalogue"),
            (model.weights.metadata(key) if key else None, "model file"),
        )
        origins[name] = "program"
        for value, origin in candidates:
            if value is not None:
                values[name] = int(value) if name == "top_k" else float(value)
                origins[name] = origin
                break
    return Sampling(**values), origins
