"""How people put a question: phrasings by task, and the ways they are roughened.

Each task has phrasings to train on and others that only the evaluation uses.
`ask` picks one, fills in its slots and, in training and evaluation alike,
drops capitals or the full stop, adds a "please" or swaps two letters, as people
who type do. Slots are filled last, so that what is asked about stays as it is.
"""

from __future__ import annotations

import random
import re

def _list(text: str) -> list[str]:
    """The phrasings of a block: one after each bar or line break."""
    return [part.strip() for part in re.split(r"[|\n]", text)]


TRAIN: dict[str, list[str]] = {
    "add": _list("""{a}+{b}|{a} + {b}|{a} + {b} = ?|{a}+{b}=|{a} +{b}|What is {a} + {b}?|What is {a} plus {b}?|What's {a}+{b}?
        Add {a} and {b}.|Add {a} to {b}.|How much is {a} plus {b}?|How much is {a} + {b}?|Compute {a} + {b}.|Work out {a} plus {b}.
        What do you get when you add {a} and {b}?|Sum of {a} and {b}?|What is the sum of {a} and {b}?|Calculate {a}+{b}
        {a} plus {b}|Give me {a} plus {b}.|Combien font {a} + {b} ?|Combien font {a} plus {b} ?|Calcule {a} + {b}
        Find {a} + {b}.|What is the total of {a} and {b}?|Put {a} and {b} together.|What does {a} plus {b} make?
        How much do {a} and {b} make?|{a} and {b} added together|I want to know {a} + {b}.|Do the sum {a}+{b}.|Can you add {a} and {b} for me?
        Tell me {a} + {b}.|If I add {a} to {b}, what do I get?|{a} plus {b} equals?|{a} and {b}, what is the sum?|Ajoute {a} et {b}."""),
    "subtract": _list("""{a}-{b}|{a} - {b}|{a} - {b} = ?|{a}-{b}=|{a} -{b}|What is {a} - {b}?|What is {a} minus {b}?|What's {a}-{b}?
        Subtract {b} from {a}.|Take {b} away from {a}.|How much is {a} minus {b}?|How much is {a} - {b}?|Compute {a} - {b}.
        Work out {a} minus {b}.|What do you get when you subtract {b} from {a}?|Take {b} from {a}.|Calculate {a}-{b}|{a} minus {b}
        Give me {a} minus {b}.|Combien font {a} - {b} ?|Combien font {a} moins {b} ?|Calcule {a} - {b}|Find {a} - {b}.
        What is {a} take away {b}?|What is {a} less {b}?|What does {a} minus {b} make?|I want to know {a} - {b}.|Do the sum {a}-{b}.
        Can you subtract {b} from {a} for me?|Tell me {a} - {b}.|If I take {b} from {a}, what is left?|{a} minus {b} equals?
        {a} take away {b}|Remove {b} from {a}, what remains?|Enlève {b} à {a}."""),
    "bigger": _list("""Which is bigger, {a} or {b}?|Which is larger, {a} or {b}?|Which is greater, {a} or {b}?|Which number is bigger: {a} or {b}?
        What is bigger, {a} or {b}?|Compare {a} and {b}.|Compare {a} with {b}|Which one is more, {a} or {b}?|{a} or {b}, which is bigger?
        Which is the bigger of {a} and {b}?|The larger of {a} and {b}?|Tell me which is bigger, {a} or {b}.|Which is higher, {a} or {b}?
        Between {a} and {b}, which is the largest?|What is the larger number, {a} or {b}?|Pick the bigger one: {a}, {b}"""),
    "smaller": _list("""Which is smaller, {a} or {b}?|Which is less, {a} or {b}?|Which number is smaller: {a} or {b}?|What is smaller, {a} or {b}?
        {a} or {b}, which is smaller?|Which is the smaller of {a} and {b}?|The smaller of {a} and {b}?|Which one is less, {a} or {b}?
        Tell me which is smaller, {a} or {b}.|Which is lower, {a} or {b}?|Between {a} and {b}, which is the smallest?|Pick the smaller one: {a}, {b}"""),
    "is bigger": _list("""Is {a} bigger than {b}?|Is {a} larger than {b}?|Is {a} greater than {b}?|Is {a} more than {b}?|Is the number {a} bigger than {b}?
        {a} is bigger than {b}, right?|Is {a} higher than {b}?"""),
    "is smaller": _list("""Is {a} smaller than {b}?|Is {a} less than {b}?|Is {a} lower than {b}?|Is the number {a} smaller than {b}?
        {a} is smaller than {b}, right?"""),
    "sort numbers": _list("""Sort {l}|Sort {l}.|Sort: {l}|Sort these numbers: {l}|Sort the numbers {l}|Put in order: {l}|Put {l} in order.|Order {l}
        Order these: {l}|Arrange {l}|Arrange these numbers: {l}|Sort {l} from smallest to largest.|Put these numbers in order: {l}
        Order the numbers {l} from small to large.|Sort this list: {l}|Sort the list {l}|Please sort these: {l}|Sort ascending: {l}
        What is {l} in order?|Rank {l}|Line up {l} from lowest to highest.|Can you sort {l}?|Can you put {l} in order?|I need {l} sorted.
        Order from smallest to biggest: {l}|Trie {l}|{l} in order please|Sort for me {l}|Numbers to sort: {l}"""),
    "sort down": _list("""Sort {l} from largest to smallest.|Sort descending: {l}|Sort {l} in descending order.|Put {l} in order, biggest first.
        Order {l} from high to low.|Sort these from biggest to smallest: {l}|Sort {l}, largest first|Sort in reverse order: {l}
        Arrange {l} from largest to smallest."""),
    "sort words": _list("""Sort {l}|Sort {l}.|Sort: {l}|Sort these words: {l}|Sort the words {l}|Put in order: {l}|Put {l} in order.|Order {l}
        Order these: {l}|Arrange {l}|Arrange these words: {l}|Sort {l} alphabetically.|Put these words in alphabetical order: {l}
        Order the words {l} from a to z.|Sort this list: {l}|Sort the list {l}|Please sort these: {l}|Alphabetize {l}
        What is {l} in alphabetical order?|Put {l} in alphabetical order|Can you sort {l}?|Can you put {l} in order?|I need {l} sorted.
        Order alphabetically: {l}|Trie {l}|{l} in order please|Sort for me {l}|Words to sort: {l}|Sort by letter: {l}"""),
    "spell": _list("""Spell {w}|Spell {w}.|Spell: {w}|Spell the word {w}.|How do you spell {w}?|How is {w} spelled?|Spell '{w}'|Spell "{w}".
        How do you spell '{w}'?|How do you spell "{w}"?|Can you spell {w}?|Can you spell the word "{w}"?|Please spell {w}|Spell {w} for me.
        Tell me how to spell {w}.|What are the letters of {w}?|What are the letters in {w}?|Letters of {w}|Spell out {w}.|Spell out the word {w}
        Give me the letters of {w}.|What letters are in '{w}'?|{w}: spell it|How do I spell {w}?|Épelle {w}|Say the letters of {w}.|Spell this word: {w}"""),
    "reverse": _list("""Reverse {w}|Reverse {w}.|Reverse: {w}|Reverse the word {w}.|Say {w} backwards.|Say {w} backwards|Spell {w} backwards.|Write {w} backwards.
        What is {w} backwards?|What is {w} reversed?|What is {w} in reverse?|{w} backwards|Reverse '{w}'|Reverse "{w}".|Say '{w}' backwards.
        Can you reverse {w}?|Can you say {w} backwards?|Please reverse {w}|Reverse {w} for me.|Turn {w} around.|Write '{w}' in reverse.
        How do you say {w} backwards?|Reverse the letters of {w}.|Read {w} from right to left.|Flip the word {w}|What does {w} look like backwards?
        Reverse this word: {w}|Spell {w} in reverse|Écris {w} à l'envers."""),
    "tell name": _list("""My name is {x}.|I am {x}.|I'm {x}.|Call me {x}.|You can call me {x}.|{x} is my name.|Hi, I'm {x}.|Hello, my name is {x}.
        They call me {x}.|Hi, my name is {x}.|Hello! I am {x}.|Please call me {x}.|My friends call me {x}.|Remember my name: {x}.|Hey, {x} here.
        Je m'appelle {x}.|I am called {x}.|My name's {x}.|Let me introduce myself: I am {x}.|Good morning, I am {x}."""),
    "change name": _list("""Actually, call me {x}.|No, my name is {x}.|Actually my name is {x}.|Sorry, I meant {x}. My name is {x}.|Call me {x} instead.
        I changed my name to {x}.|From now on I am {x}.|Wait, my name is {x}.|My name is now {x}.|Please call me {x} from now on."""),
    "ask name": _list("""What is my name?|What's my name?|Who am I?|Do you remember my name?|Do you know my name?|Tell me my name.|Can you tell me my name?
        What am I called?|What did I say my name was?|My name?|Say my name.|What name did I tell you?|Remind me of my name.|Which name did I give you?
        Comment je m'appelle ?|And what is my name?|So, what is my name?|Remember my name?"""),
    "tell colour": _list("""My favourite colour is {x}.|My favorite color is {x}.|I like the colour {x}.|My colour is {x}.|I like {x} best of all colours.
        The colour I like most is {x}.|I love the color {x}.|My best colour is {x}.|Remember that my favourite colour is {x}.|Remember the colour {x}.
        Ma couleur préférée est {x}.|{x} is my favourite colour.|For colours, I like {x}.|I prefer the colour {x}.|Note my colour: {x}."""),
    "change colour": _list("""Actually, my favourite colour is {x}.|No, my colour is {x}.|My favourite colour is now {x}.|I changed my mind, I like the colour {x}.
        Now my favorite color is {x}.|Wait, my colour is {x}.|Make my colour {x} instead."""),
    "ask colour": _list("""What is my favourite colour?|What is my favorite color?|What's my favourite colour?|Do you remember my colour?|Which colour do I like?
        What colour do I like?|Tell me my favourite colour.|What color did I tell you?|Do you know my favourite colour?|My favourite colour?|What is my colour?
        Remind me of my colour.|Which color is my favorite?|Quelle est ma couleur préférée ?|And what is my favourite colour?"""),
    "tell number": _list("""My favourite number is {x}.|My lucky number is {x}.|Remember the number {x}.|My number is {x}.|My favorite number is {x}.
        I like the number {x}.|Remember my number: {x}.|The number I like is {x}.|Please remember the number {x}.|{x} is my lucky number.
        Keep the number {x} in mind.|My secret number is {x}.|Note the number {x}.|Mon nombre préféré est {x}."""),
    "change number": _list("""Actually, my number is {x}.|No, my number is {x}.|My favourite number is now {x}.|I changed my mind, my lucky number is {x}.
        Now remember the number {x} instead.|Wait, the number is {x}.|Make my number {x} instead."""),
    "ask number": _list("""What is my favourite number?|What is my lucky number?|What's my number?|Which number did I tell you?|What number did I ask you to remember?
        Do you remember my number?|Tell me my number.|What was the number?|What is my number?|Do you know my favourite number?|My number?|Remind me of my number.
        What is my secret number?|Which number do I like?|Quel est mon nombre ?|And what is my number?"""),
    "who": _list("""Who are you?|What are you?|What is your name?|What's your name?|Tell me about yourself.|Introduce yourself.|Are you a robot?|Are you human?
        Are you a model?|Who am I talking to?|What model are you?|Which model are you?|Who made you?|Where do you come from?|Do you have a name?
        What should I call you?|Qui es-tu ?|Comment tu t'appelles ?|Are you ChatGPT?|Are you an AI?|How big are you?|You are who?|Say who you are."""),
    "can": _list("""What can you do?|Help|Help me.|What do you know?|What are you able to do?|How can you help me?|What can I ask you?|What are you good at?
        What were you taught?|What can I do with you?|Which tasks can you do?|List what you can do.|Que sais-tu faire ?|What are your skills?
        What do you do?|How do you work?|Can you help me?|What should I ask?|Tell me what you can do.|help?"""),
    "bigger model": _list("""How do I get a bigger model?|How can I get a bigger model?|I want a bigger model.|Where can I find a better model?|How do I install another model?
        Get me a larger model.|How do I download a bigger model?|Is there a bigger model?|I need a smarter model.|Which model should I use instead?
        How do I pull a model?|You are too small. What now?|Can I have a better model?|Give me a better model.|How to get a larger model?
        How do I get a real model?|Comment avoir un plus grand modèle ?|I want a more capable model."""),
    "hello": _list("""Hi|Hello|Hello!|Hi!|Hey|Hey there|Hi there!|Good morning|Good evening|Good afternoon!|Hello there|Yo|Greetings|hello tiny|Hi tiny!|Howdy|Hiya|Hello again"""),
    "bonjour": _list("""Bonjour|Salut|Bonjour !|Bonsoir|Coucou|Salut !|Bonjour tiny"""),
    "how are you": _list("""How are you?|How are you today?|How are you doing?|How's it going?|Hi, how are you?|Hello, how are you?|Are you well?|What's up?|How do you feel?|Ça va ?"""),
    "thanks": _list("""Thanks|Thank you|Thank you!|Thanks!|Thanks a lot|Thank you very much|Great, thanks|Ok thanks|Merci|Thx|Good job|Well done|Nice|Perfect|Great|Cool|Good"""),
    "bye": _list("""Bye|Goodbye|Bye!|See you|See you later|Good night|Bye bye|Au revoir|I have to go|Goodbye!|See you tomorrow|That is all, bye|Farewell"""),
    "time": _list("""What time is it?|What's the time?|Tell me the time.|Do you know what time it is?|Current time?|What is the time now?|Can you tell me the time?|Time please|What is the date?|What day is it?|Quelle heure est-il ?|Check the clock."""),
    "calculate": _list("""What is {e}?|Calculate {e}|Compute {e}.|{e}|How much is {e}?|What's {e}?|Use the calculator for {e}.|Work out {e}.|{e} = ?|Can you calculate {e}?|Combien font {e} ?|Tell me {e}.|I need {e}."""),
}

HELD: dict[str, list[str]] = {
    "add": _list("What would {a} plus {b} be?|Could you tell me what {a} + {b} is?|I need {a} added to {b}.|Solve {a} + {b}|How much would {a} + {b} be?|Quick: {a}+{b}|What is {a} added to {b}?|Find the total of {a} and {b}.|So {a} + {b} is what?"),
    "subtract": _list("What would {a} minus {b} be?|Could you tell me what {a} - {b} is?|I need {b} subtracted from {a}.|Solve {a} - {b}|How much would {a} - {b} be?|Quick: {a}-{b}|If you take {b} away from {a}, how much is that?|So {a} - {b} is what?"),
    "bigger": _list("Which of {a} and {b} is the bigger number?|Of {a} and {b}, which is larger?|I have {a} and {b}: which is greater?|Is {a} or {b} bigger?|Say which is larger: {a} or {b}."),
    "smaller": _list("Which of {a} and {b} is the smaller number?|Of {a} and {b}, which is smaller?|I have {a} and {b}: which is less?|Is {a} or {b} smaller?"),
    "is bigger": _list("Would you say {a} is bigger than {b}?|Tell me, is {a} larger than {b}?|Is it true that {a} is greater than {b}?"),
    "is smaller": _list("Would you say {a} is smaller than {b}?|Tell me, is {a} less than {b}?|Is it true that {a} is smaller than {b}?"),
    "sort numbers": _list("Could you sort {l} for me?|Here are some numbers, sort them: {l}|Put the numbers {l} in ascending order.|Give me {l} in order.|Sort the following: {l}|How would you order {l}?|Arrange from small to big: {l}"),
    "sort words": _list("Could you sort {l} for me?|Here are some words, sort them: {l}|Put the list {l} in alphabetical order.|Give me {l} in order.|Sort the following: {l}|How would you order {l}?|Arrange from a to z: {l}"),
    "spell": _list("Could you spell {w} for me?|Would you spell the word '{w}'?|Please tell me the letters of {w}|How does one spell {w}?|I want you to spell {w}.|What is the spelling of {w}?|Now spell {w} letter by letter"),
    "reverse": _list("Could you reverse {w} for me?|Would you say the word '{w}' backwards?|Please write {w} in reverse|How does {w} read backwards?|I want you to reverse {w}.|What is the reverse of {w}?|Now spell {w} from back to front"),
    "tell name": _list("Hello there, I am called {x}.|You may call me {x}.|Good evening, my name is {x}.|Hi! {x} is my name.|Oh, I am {x} by the way.|People call me {x}."),
    "change name": _list("Oh wait, call me {x}.|Sorry, my name is really {x}.|I would rather be called {x}.|Actually I am {x}."),
    "ask name": _list("Could you tell me what my name is?|Tell me the name I gave you.|Do you still know my name?|What did I tell you my name was?|Now, what is my name?|Can you recall my name?"),
    "tell colour": _list("The colour I prefer is {x}.|By the way, my favourite colour is {x}.|I think my favorite color is {x}.|Of all colours I like {x} most.|Please remember that my colour is {x}."),
    "change colour": _list("Oh wait, my favourite colour is {x}.|Sorry, my colour is really {x}.|These days my favourite colour is {x}."),
    "ask colour": _list("Could you tell me my favourite colour?|Do you still know my favorite color?|Which colour did I say I like?|Now, what is my favourite colour?|Can you recall my colour?"),
    "tell number": _list("The number to remember is {x}.|By the way, my lucky number is {x}.|I think my favourite number is {x}.|Could you remember the number {x}?|Please remember that my number is {x}."),
    "change number": _list("Oh wait, my number is {x}.|Sorry, the number is really {x}.|These days my lucky number is {x}."),
    "ask number": _list("Could you tell me my number?|Do you still know my lucky number?|Which number did I say I like?|Now, what is my favourite number?|Can you recall the number?"),
    "who": _list("Tell me who you are.|And who are you?|Could you introduce yourself?|So what are you exactly?|May I know your name?|What kind of model are you?|Are you a person?|Can you tell me your name?|Who are you, then?"),
    "can": _list("Tell me what you are able to do.|What could you do for me?|So what can you do?|What sort of things can you do?|Which things can I ask you?|What have you been taught?|How could you help?"),
    "bigger model": _list("Could I get a bigger model?|How would I get a larger model?|I would like a better model.|Where do I get a bigger model?|How can I download a larger model?|Tell me how to get a bigger model.|What about a smarter model?"),
    "hello": _list("Hello hello|Hi, tiny|Hey you|Well hello there|Good day|Hi, good morning"),
    "bonjour": _list("Bonjour, tiny|Salut tiny|Bonjour bonjour"),
    "how are you": _list("Hey, how are you?|How are you this morning?|So how are you doing?"),
    "thanks": _list("Many thanks|Thank you so much|Thanks for that|Great, thank you"),
    "bye": _list("Bye for now|Ok, goodbye|See you soon|Good night then"),
    "time": _list("Could you tell me what time it is?|Please tell me the time.|What time is it now?|What time do you have?|I need to know the time."),
    "calculate": _list("Could you work out {e}?|What would {e} be?|Please compute {e} for me.|How much would {e} be?|Find {e}.|Give me {e}"),
}

_BEFORE = ["please ", "Hey, ", "ok, ", "now ", "and ", "So ", "tiny, ", "Then ", "Ok ", "Hi, "]
_BEFORE_HELD = ["well, ", "right, ", "all right, ", "next, "]
_SLOT = re.compile(r"(\{\w\})")


def _typo(rng: random.Random, text: str) -> str:
    """Swap, drop or double one letter of the phrasing, never of its slots."""
    parts = _SLOT.split(text)
    places = [(i, j) for i in range(0, len(parts), 2) for j in range(1, len(parts[i]) - 1) if parts[i][j].isalpha()]
    if not places:
        return text
    i, j = rng.choice(places)
    part = parts[i]
    kind = rng.random()
    if kind < 0.4:
        part = part[:j] + part[j + 1 :]
    elif kind < 0.7:
        part = part[:j] + part[j] + part[j:]
    else:
        part = part[:j] + part[j + 1] + part[j] + part[j + 2 :]
    parts[i] = part
    return "".join(parts)


def ask(rng: random.Random, task: str, held: bool, **slots: object) -> str:
    """A way to ask for a task, as someone might type it."""
    text = rng.choice((HELD if held else TRAIN).get(task) or TRAIN[task]).strip()
    return roughen(rng, text, held).format(**slots)


def roughen(rng: random.Random, text: str, held: bool) -> str:
    """The same text as hurried, shy or careless people type it."""
    if rng.random() < 0.08 and " " in text and text[0] != "{":
        text = rng.choice(_BEFORE_HELD if held else _BEFORE) + text[0].lower() + text[1:]
    if rng.random() < 0.35:
        text = text.lower()
    if rng.random() < 0.35 and text[-1] in ".?!":
        text = text[:-1].rstrip()
    elif rng.random() < 0.05:
        text += rng.choice((" please", "!", " ?", "...", "?", " "))
    if rng.random() < 0.06:
        text = _typo(rng, text)
    return text
