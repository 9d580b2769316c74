"""What to ask the database for the words a person looks for.

Words are looked up in the index, which knows them by what stands between them. What it does not
know, signs and the scripts that write no spaces, is searched for as it is, turn by turn.
"""

import re

WITHOUT_SPACES = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
    "\U00020000-\U0003ffff]"
)
"""Thai, Lao, Burmese, Khmer, Japanese and Chinese."""

AROUND = 40  # characters shown before and after


def query_for(words: str, limit: int) -> tuple[str, list[object]] | None:
    """A query for the turns that have all of these words, newest first, and its values; None
    where there is no word among them."""
    indexed, characters = _parted(words)
    if not indexed and not characters:
        return None
    conditions = ["role IN ('user', 'assistant')", *["instr(turns.content, ?)"] * len(characters)]
    values: list[object] = [*characters, limit]
    if indexed:
        tables, number = "said JOIN turns ON turns.id = said.rowid", "said.rowid"
        snippet = "snippet(said, 0, '', '', '…', 16)"
        conditions.insert(0, "said MATCH ?")
        values.insert(0, " ".join(indexed))
    else:
        tables, number = "turns", "turns.id"
        snippet = f"substr(content, max(1, instr(content, ?) - {AROUND}), {2 * AROUND})"
        values.insert(0, characters[0])
    query = (
        f"SELECT turns.id AS turn, chat, title, role, at, {snippet} AS snippet FROM {tables} "
        f"JOIN chats ON chats.id = turns.chat WHERE {' AND '.join(conditions)} "
        f"ORDER BY {number} DESC LIMIT ?"
    )
    return query, values


def _parted(words: str) -> tuple[list[str], list[str]]:
    """Terms of a query to the index, and characters to look for."""
    indexed: list[str] = []
    characters: list[str] = []
    for phrase, word in re.findall(r'"([^"]+)"|([^\s"]+)', words.replace("\0", " ")):
        if WITHOUT_SPACES.search(phrase or word) or not re.search(r"[^\W_]", phrase or word):
            characters.append(phrase or word)
        else:
            indexed.append(f'"{phrase or word}"')
    if indexed and not words.rstrip().endswith('"'):
        indexed[-1] += "*"
    return indexed, characters
