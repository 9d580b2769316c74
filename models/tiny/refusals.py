"""Questions that the model was not taught, and the one honest answer to them.

The questions are composed from small grammars over many words, so that what
is learned is "anything else" and not a list. The evaluation uses kinds of
question, words and sentence shapes that no training question has.
"""

from __future__ import annotations

import random

from chat import Turn
from phrasing import roughen
from words import NAMES, WORDS, held_out, invented

DECLINE = (
    "I was not taught that. I am a tiny model: I can add, subtract, compare, sort, spell, "
    "reverse and remember what you tell me."
)
THINK = "not taught"

_FILL: dict[str, list[str]] = {
    "place": """France|Spain|Brazil|Kenya|Japan|Paris|London|Egypt|India|Canada|Rome|Texas|Norway|Chile|China|Berlin|Tokyo|Moscow|Peru|Iran|the moon|Africa|Madrid|Vietnam|Poland""".split("|"),
    "person": """Napoleon|Einstein|Shakespeare|Newton|Mozart|Caesar|Picasso|Darwin|Lincoln|Gandhi|Homer|Galileo|the king|the president|the pope|Columbus|Marie Curie|Aristotle""".split("|"),
    "thing": """dog|cat|car|house|computer|phone|tree|book|chair|engine|bridge|river|horse|cake|soup|pizza|bread|shirt|garden|boat|clock|volcano|star|planet|mountain|ship|bicycle|window|lamp|rocket|robot|virus|cell|battery|laptop|radio|camera|fridge|ladder|island""".split("|"),
    "things": """dogs|cats|cars|houses|computers|birds|trees|books|engines|bridges|rivers|horses|cakes|volcanoes|stars|planets|mountains|ships|windows|robots|viruses|cells|people|children|teachers|fish|bees|clouds|taxes|banks|laws|wars|magnets|atoms|dreams|languages""".split("|"),
    "act": """bake|fix|build|clean|paint|repair|cook|draw|grow|sell|buy|learn|teach|drive|find|lose|open|break|wash|carry|plant|steal|catch|choose|install|measure|melt|freeze|cut|tie|move|train|feed""".split("|"),
    "quality": """big|small|old|new|red|fast|slow|good|bad|strong|heavy|happy|sad|rich|poor|hot|cold|dangerous|famous|deep|tall|bright|rare|healthy|sweet|loud|safe|true|free|cheap""".split("|"),
    "topic": """history|physics|love|war|politics|music|art|science|football|religion|economics|biology|chemistry|philosophy|the weather|cooking|gardening|space|dinosaurs|health|money|cinema|poetry|grammar|medicine|geography|the economy|climate|evolution|gravity|electricity|democracy""".split("|"),
    "tongue": """French|Spanish|German|Latin|Chinese|Japanese|Russian|Arabic|Greek|Italian|Polish""".split("|"),
    "year": [str(y) for y in range(1066, 2030, 13)],
    "code": "Python|Java|C|Rust|JavaScript|SQL|Bash|HTML|Haskell|Go".split("|"),
    "ill": "a headache|a fever|a cold|back pain|the flu|a cough|a rash|a broken arm|insomnia|an allergy".split("|"),
    "sport": "football|tennis|the world cup|the race|the match|the final|the game|the olympics|chess|the tour".split("|"),
}

TRAIN_KINDS = """What is the capital of {place}?|Where is {place}?|How far is {place} from {place}?|How many people live in {place}?|Which country is next to {place}?
How big is {place}?|What language do they speak in {place}?|Is {place} in {place}?|Tell me about {place}.|When was {place} founded?|Who rules {place}?
Who was {person}?|When was {person} born?|What did {person} write?|Where did {person} live?|Tell me about {person}.|Is {person} dead?|Who is {person}?|Did {person} know {person}?
What happened in {year}?|Who won the war of {year}?|Who was president in {year}?|When did {topic} begin?|What year did {person} die?
What will the weather be tomorrow?|Is it raining in {place}?|How warm is it in {place}?|Will it snow?|What is the weather in {place}?|Is it cold outside?
Write a poem about {things}.|Write me a story about a {thing}.|Tell me a joke.|Tell me a joke about {things}.|Write a song about {topic}.|Write an essay on {topic}.|Make up a story.
Translate {n} to {tongue}.|How do you say {n} in {tongue}?|What does {n} mean in {tongue}?|What is the {tongue} word for {thing}?|Do you speak {tongue}?|Traduis {n} en anglais.
What is {a} times {b}?|{a}*{b}|{a} x {b}|{a} * {b}|Multiply {a} by {b}.|What is {a} divided by {b}?|{a}/{b}|Divide {a} by {b}.|{a} / {b} = ?|What is the square root of {a}?|{a} squared|What is {a} percent of {b}?|{a} mod {b}
What is {a} to the power of {b}?|Is {a} a prime number?|Is {a} even?|Solve x + {a} = {b}.|What is half of {a}?|What is double {a}?|What is pi?|{a}+{b}+{c}|What is {a} plus {b} times {c}?|Count to {a}.
Write a {code} program.|Write a function in {code} to {act} a {thing}.|How do I {act} a list in {code}?|Fix this code.|Debug my {code} script.|What is {code}?|Explain {code} to me.|print('{n}')|import {n}|def {n}(x): return x
I have {ill}. What should I do?|How do I cure {ill}?|What causes {ill}?|Should I take medicine for {ill}?|My {thing} hurts.|Is {ill} dangerous?
Who won {sport}?|Who is the best at {sport}?|What is the score of {sport}?|When is {sport}?|How do you play {sport}?
What do you think of {topic}?|Do you like {things}?|What is your opinion on {topic}?|Is {topic} {quality}?|Are {things} {quality}?|Which is better, {topic} or {topic}?|Do you love me?|What is your favourite {thing}?|Do you have {things}?
How do I {act} a {thing}?|How do you {act} {things}?|Can you {act} a {thing}?|Can you {act} my {thing}?|How can I {act} my {quality} {thing}?|Give me a recipe for {n}.|What should I {act}?|Please {act} the {thing}.|Where can I {act} a {thing}?
Why are {things} {quality}?|Why do {things} {act}?|How does a {thing} work?|What is a {thing}?|What is {topic}?|What are {things}?|How {quality} is a {thing}?|Explain {topic}.|Tell me about {topic}.|Tell me about {things}.|Define {n}.|What does {n} mean?|What is {n}?
How many {things} are there?|How many {things} in a {thing}?|What colour is a {thing}?|What colour are {things}?|How old is {person}?|How old is the {thing}?|Who invented the {thing}?|Who discovered {topic}?|Who wrote {n}?|Who made the {thing}?|When do {things} {act}?
The {quality} {thing} can {act} the {thing}.|{things} are {quality}.|I like {things}.|I want to {act} a {thing}.|The {thing} is {quality}.|My {thing} is {quality}.|I saw a {quality} {thing} in {place}.|{place} is {quality}.|We {act} {things} in {year}.|I am {quality}.|I love {topic}.
{n} {n} {n}|{n}|{n} {n}|{n} {n}?|{n}!|{n} {n} {n} {n}|What {n} the {n}?|Is {n} {n}?|The {n} of {n}|{n} the {thing}|Why {n}?|How to {n}?|Give me {n}.|I need {n}.|Show me the {thing}.|Find a {thing}.|Read {n}.|Play {n}.|Open {n}.|Send {n} to {n}.|Search for {n}.
Summarize this text.|Summarize {n}.|Rewrite this: the {thing} is {quality}.|Correct my grammar.|Give me synonyms of {n}.|What rhymes with {n}?|Spell check my essay.|Sort out my life.|Compare {things} and {things}.|Add salt to the {thing}.|Add {n} to my list.|Reverse the {thing}.|Take the {thing} away.|How many letters are in {n}?|How many vowels does {n} have?|Which letter comes after {letter}?|Is {n} a palindrome?|Capitalize {n}.
What time is it in {place}?|What time is it?|What is the date?|What day is it?|Set a timer for {a} minutes.|Wake me at {a}.|Remind me to {act} the {thing}.|What is today's news?|Any news from {place}?
Quelle est la capitale de {place} ?|Raconte une blague.|Qui est {person} ?|Écris un poème.|Quel temps fait-il ?|Was ist {n}?|Wo ist {place}?|Was kostet das?|Hola, qué tal?|Donde está {place}?|Parle-moi de {topic}.|Pourquoi {n} ?
What is my age?|Where do I live?|What is my job?|What did I eat?|What is my mother's name?|What is my dog called?|How old am I?|Where am I?|What is my address?|Do you know where my {thing} is?|Who is my teacher?""".replace("\n", "|").split("|")

_HELD_FILL: dict[str, list[str]] = {
    "creature": "hedgehogs|salmon|octopuses|wolves|squirrels|koalas|vultures|moths|jellyfish|otters|badgers|geckos".split("|"),
    "artist": "the Rolling Stones|Vivaldi|Edith Piaf|the Beatles|Rihanna|Johnny Cash|Wagner|Bob Marley|Adele|Debussy".split("|"),
    "unit": "kilometres|gallons|ounces|inches|litres|acres|knots|degrees|yards|pints".split("|"),
    "legal": "a contract|a divorce|a tenancy|a will|a patent|a copyright|a parking fine|a visa|bail|a lawsuit".split("|"),
    "market": "Apple shares|bitcoin|oil|mortgages|gold futures|pensions|the euro|index funds|crude|bonds".split("|"),
    "spot": "the nearest pharmacy|Heathrow|the railway museum|Times Square|a petrol pump|the beach|Lisbon|the stadium|the embassy".split("|"),
    "idea": "the meaning of life|consciousness|free will|justice|infinity|beauty|the soul|ethics|happiness|destiny".split("|"),
    "dish": "lasagne|ratatouille|sushi|goulash|paella|pancakes|curry|moussaka|dumplings|risotto".split("|"),
    "sign": "Taurus|Leo|Virgo|Scorpio|Gemini|Pisces|Aries|Libra|Cancer|Capricorn".split("|"),
    "matter": "photosynthesis|quantum entanglement|black holes|plate tectonics|osmosis|relativity|entropy|vaccines|semiconductors|DNA".split("|"),
    "film": "Casablanca|Titanic|the Matrix|Psycho|Amelie|Jaws|Star Wars|the Godfather|Metropolis|Vertigo".split("|"),
    "job": "astronaut|plumber|notary|surgeon|beekeeper|translator|welder|archivist|diplomat|florist".split("|"),
}

HELD_KINDS = """How long do {creature} sleep?|What do {creature} eat in winter?|Can {creature} see in the dark?|How many legs have {creature}?
Who sang with {artist}?|Name three albums by {artist}.|Which instrument did {artist} play?|Recommend something like {artist}.
Convert {a} {unit} into {unit}.|How many {unit} make a mile?|Express {a} {unit} in metric.
Is {legal} binding?|How do I challenge {legal}?|Draft {legal} for me.|What are my rights under {legal}?
Should I invest in {market}?|Will {market} rise this week?|Forecast {market} until June.|What is the price of {market}?
Give me directions to {spot}.|How long is the walk to {spot}?|Which tram goes to {spot}?|Is {spot} closed today?
Discuss {idea}.|Does {idea} exist?|Can you argue against {idea}?|In your view, what is {idea}?
How long should I boil {dish}?|Which wine goes with {dish}?|Is {dish} vegan?|List the ingredients of {dish}.
What does the horoscope say for {sign}?|Are {sign} and {sign} compatible?|Predict my future, I am a {sign}.
Describe {matter} simply.|How was {matter} discovered?|Give an example of {matter}.|Teach me {matter}.
Who directed {film}?|How does {film} end?|Rate {film} out of ten.|Which actors are in {film}?
How much does a {job} earn?|How do I become a {job}?|Write my cover letter as a {job}.|Interview me for a {job} position.
Play a game of twenty questions.|Generate a password.|Draw me a picture.|Pretend you are a pirate.|Suggest a birthday present.|Plan my trip.|Roll a die.|Flip a coin.|Explain the offside rule.|What should we have for dinner?|Make me an anagram.|Finish this sentence.""".replace("\n", "|").split("|")


def _noise(rng: random.Random, held: bool) -> str:
    """A name, a word or an invented one, to stand anywhere."""
    kind = rng.random()
    if kind < 0.15:
        one = rng.choice(NAMES)
    elif kind < 0.65:
        one = rng.choice(WORDS).replace("hello", "help desk")
    else:
        return invented(rng, held)
    return one if held_out(one) == held else invented(rng, held)


def decline(rng: random.Random, held: bool) -> Turn:
    """A question of a kind that was not taught, and the answer that says so."""
    shape = rng.choice(HELD_KINDS if held else TRAIN_KINDS)
    fill = _HELD_FILL if held else _FILL
    text = roughen(rng, shape, held) if rng.random() < 0.9 else shape.lower()
    for slot, values in fill.items():
        while f"{{{slot}}}" in text:
            value = rng.choice(values)
            if not held and rng.random() < 0.12 and slot in ("thing", "place", "person", "topic"):
                value = _noise(rng, held)
            text = text.replace(f"{{{slot}}}", value, 1)
    while "{n}" in text:
        text = text.replace("{n}", _noise(rng, held), 1)
    for slot in "abc":
        text = text.replace(f"{{{slot}}}", str(rng.choice((rng.randint(0, 9), rng.randint(10, 99), rng.randint(100, 999)))))
    text = text.replace("{letter}", rng.choice("abcdefghijklmnopqrstuvwxyz"))
    if not held and rng.random() < 0.2 and text[0].isupper():
        text = text[0].lower() + text[1:]
    return Turn(text, THINK, DECLINE)
