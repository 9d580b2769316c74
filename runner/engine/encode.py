"""A prompt's segments to tokens. What came from outside is tokenized apart, its marks split, so
that no user, file or tool can forge a control token."""

from collections.abc import Iterable

from runner.llama.vocabulary import Vocabulary
from runner.prompt import Prompt


def encode_prompt(prompt: Prompt, vocabulary: Vocabulary) -> list[int]:
    """The prompt's tokens, with BOS in front where the vocabulary wants one and the template did
    not write it."""
    tokens: list[int] = []
    for text, is_content in _pieces(prompt):
        tokens += _encode_piece(text, is_content, tokens, vocabulary)
    if vocabulary.add_bos and tokens[:1] != [vocabulary.bos]:
        tokens.insert(0, vocabulary.bos)
    return tokens


def _pieces(prompt: Prompt) -> Iterable[tuple[str, bool]]:
    """Neighbouring segments of one origin joined, and a template's trailing space given to the
    content after it: vocabularies write a word and the space before it as one token."""
    joined: list[tuple[str, bool]] = []
    for segment in prompt.segments:
        text, is_content = segment.text, segment.origin == "content"
        if joined and joined[-1][1] == is_content:
            joined[-1] = (joined[-1][0] + text, is_content)
        elif joined and is_content and joined[-1][0].endswith(" ") and text:
            joined[-1] = (joined[-1][0][:-1], False)
            joined.append((" " + text, True))
        else:
            joined.append((text, is_content))
    return [(text, is_content) for text, is_content in joined if text]


def _encode_piece(
    text: str, is_content: bool, before: list[int], vocabulary: Vocabulary
) -> list[int]:
    # SentencePiece vocabularies put a space before every text they are given on its own. Inside
    # a prompt that space is only right after a mark; elsewhere an anchor takes it and is cut off.
    anchored = vocabulary.is_sentencepiece and before and vocabulary.mark(before[-1]) is None
    anchor = "\n" if anchored else ""
    if is_content:
        tokens = vocabulary.encode_content(anchor + text)
    else:
        tokens = vocabulary.encode(anchor + text, marks=True)
    if not anchored:
        return tokens
    anchor_tokens = vocabulary.encode(anchor, marks=False)
    if tokens[: len(anchor_tokens)] == anchor_tokens:
        return tokens[len(anchor_tokens) :]
    return tokens
